import { z } from 'zod';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { broadcastIdSchema, countSchema, deviceIdSchema, nonceSchema, revisionSchema } from './ids.ts';

/** How well a receiver knows the time: within 50 ms, within 2 s, or not at all. */
export const clockStateSchema = z.enum(['in-step', 'hour-known', 'none']);
export type ClockState = z.infer<typeof clockStateSchema>;

export const refusalReasons = [
  'malformed',
  'unknown-key',
  'bad-signature',
  'wrong-purpose',
  'key-expired',
  'key-retired',
  'wrong-device',
  'expired',
  'stale',
  'replayed',
  'not-announced',
  'too-many',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

export const faultSchema = z.enum([
  'amplifier-no-current',
  'overheated',
  'disk-full',
  'mains-lost',
  'sink-failed',
  'rtc-failed',
  'clock-unknown',
]);
export type Fault = z.infer<typeof faultSchema>;

/** `dev/{id}/status`: JWS by the receiver's own key, every 30 s and at every change. */
export const statusSchema = z.object({
  type: z.literal('status'),
  device: deviceIdSchema,
  session: nonceSchema,
  /** Counts up within a session, so that a recorded status can't pass for a new one. */
  seq: z.number().int().min(1),
  /** The receiver's idea of media time; null where it has none. */
  at: mediaTimeSchema.nullable(),
  version: z.string().max(40),
  clock: z.object({
    state: clockStateSchema,
    /** By how much media time as it is played lies ahead of what the exchanges say, and is still to be worked off. */
    offsetUs: z.number().int().nullable().default(null),
    uncertaintyUs: z.number().int().min(0).nullable(),
    /** Age of the last good exchange. */
    ageMs: z.number().int().min(0).nullable(),
  }),
  plan: revisionSchema.nullable(),
  now: revisionSchema.nullable(),
  /** Planned broadcasts whose audio is checked and on disk. */
  cached: z.array(broadcastIdSchema).max(200),
  /** What comes out of the loudspeaker at this moment. */
  playing: z.object({ broadcastId: broadcastIdSchema, kind: z.enum(['item', 'stream']) }).nullable(),
  /** Audio in the jitter buffer ahead of what is heard; null without a stream. */
  bufferMs: z.number().int().nullable(),
  /** Whether the sound card is fed with real-time priority; null where there is no card. Without it a busy board may click. */
  isRealTime: z.boolean().nullable(),
  volume: z.number().int().min(0).max(100),
  isMuted: z.boolean(),
  board: z.object({
    temperatureC: z.number().nullable(),
    diskFreeMB: z.number().min(0).nullable(),
    memoryFreeMB: z.number().min(0).nullable(),
    network: z.enum(['lan', '4g', 'wifi']).nullable(),
    /** 0 to 4. */
    signalBars: z.number().int().min(0).max(4).nullable(),
    hasMains: z.boolean().nullable(),
    isAmplifierOn: z.boolean(),
    amplifierA: z.number().min(0).nullable(),
  }),
  faults: z.array(faultSchema).max(20),
  /** How many messages were refused since the agent started, by reason. */
  refused: z.partialRecord(z.enum(refusalReasons), countSchema.min(1)),
});
export type Status = z.infer<typeof statusSchema>;
