import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  broadcastIdSchema,
  chainIdSchema,
  commandIdSchema,
  compactJwsSchema,
  mediaTimeSchema,
} from '@loalang/shared';

/** What one record of the journal says; JSON, read by this schema at start. */
export const ledgerRecordSchema = z.discriminatedUnion('kind', [
  /** Where the chain stands: its id, the last number given, and the hash of the last proof. */
  z.object({
    kind: z.literal('chain'),
    chain: chainIdSchema,
    seq: z.number().int().min(0),
    previous: z.string().max(43),
  }),
  z.object({
    kind: z.literal('proof'),
    seq: z.number().int().min(1),
    broadcastId: broadcastIdSchema,
    jws: compactJwsSchema,
  }),
  z.object({ kind: z.literal('acked'), seq: z.number().int().min(1) }),
  /** A broadcast that has a proof, so that it is never reported as missed too. */
  z.object({ kind: z.literal('proved'), broadcastId: broadcastIdSchema }),
  z.object({ kind: z.literal('command'), id: commandIdSchema, expiresAt: mediaTimeSchema }),
  /** Something sounds and has sounded from then till then: what is proved of it if the power goes now. */
  z.object({
    kind: z.literal('progress'),
    broadcastId: broadcastIdSchema,
    of: z.enum(['item', 'stream']),
    startedAt: mediaTimeSchema,
    soundedUntil: mediaTimeSchema,
    /** 20 ms frames, or parts of one, without the time in which something higher sounded instead. */
    frames: z
      .object({ played: z.number().min(0), concealed: z.number().min(0), missed: z.number().min(0) })
      .exactOptional(),
  }),
  z.object({
    kind: z.literal('time'),
    floor: mediaTimeSchema,
    wallMs: z.number(),
    uncertaintyUs: z.number().min(0),
    driftPpm: z.number().nullable(),
    /** How the battery-backed clock runs; journals of before have none of it. */
    rtc: z
      .object({
        driftPpm: z.number(),
        learntS: z.number().min(0),
        since: z.object({ media: mediaTimeSchema, rtcMs: z.number() }).nullable(),
      })
      .exactOptional(),
  }),
  /** How much faster than the monotonic clock a sound card plays. */
  z.object({ kind: z.literal('card'), name: z.string().max(200), driftPpm: z.number().min(-300).max(300) }),
]);
export type LedgerRecord = z.infer<typeof ledgerRecordSchema>;
export type Progress = Extract<LedgerRecord, { kind: 'progress' }>;

/** Lays out a record for the journal. */
export function encodeRecord(record: LedgerRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** Reads a record; null for one that a later version wrote and this one doesn't know. */
export function decodeRecord(bytes: Uint8Array): LedgerRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const parsed = ledgerRecordSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** SHA-256 of a proof's JWS, base64url: what the next proof of the chain names. */
export function hashOfProof(jws: string): string {
  return createHash('sha256').update(jws).digest('base64url');
}
