import { z } from 'zod';
import { JOIN_CODE } from '../join-code.ts';
import { mediaTimeSchema } from '../media-time-schema.ts';
import { MAX_REPAIR_FRAMES } from '../stream-bounds.ts';
import {
  compactJwsSchema,
  deviceIdSchema,
  lineSchema,
  nonceSchema,
  publicKeySchema,
  streamIdSchema,
} from './ids.ts';

/** `dev/{id}/presence`: retained, and the last will. A hint only: nobody is online by it, and a will of an old session is ignored. */
export const presenceSchema = z.object({ session: nonceSchema, isOnline: z.boolean() });
export type Presence = z.infer<typeof presenceSchema>;

/** `dev/{id}/clock/req`. t1: the receiver's monotonic clock at sending, microseconds; only it understands it. */
export const clockRequestSchema = z.object({ nonce: nonceSchema, t1: z.number().nonnegative() });
export type ClockRequest = z.infer<typeof clockRequestSchema>;

/** `dev/{id}/clock/res`: JWS by a time key, over the nonce and both stamps (RFC 5905 §8: t1, t2, t3; t4 is the receiver's). */
export const clockResponseSchema = z.object({
  type: z.literal('clock'),
  device: deviceIdSchema,
  nonce: nonceSchema,
  t1: z.number().nonnegative(),
  t2: mediaTimeSchema,
  t3: mediaTimeSchema,
});
export type ClockResponse = z.infer<typeof clockResponseSchema>;

/** Answer of `GET /device/time?nonce=`: JWS by a time key. Tells a receiver the hour before it can sign in. */
export const signedTimeSchema = z.object({
  type: z.literal('time'),
  nonce: nonceSchema,
  at: mediaTimeSchema,
});
export type SignedTime = z.infer<typeof signedTimeSchema>;

/** Who may sign in at the broker. `time` is the part of the platform that answers clock requests, and no more. */
export const brokerRoleSchema = z.enum(['device', 'platform', 'time']);
export type BrokerRole = z.infer<typeof brokerRoleSchema>;

/** The MQTT user name: JWS by a credential key over who the holder is and which key is its own. */
export const credentialSchema = z.object({
  type: z.literal('credential'),
  id: z.string().min(1).max(64),
  role: brokerRoleSchema,
  key: publicKeySchema,
  issuedAt: mediaTimeSchema,
  expiresAt: mediaTimeSchema,
});
export type Credential = z.infer<typeof credentialSchema>;

/** The MQTT password, and the bearer token of asset requests: JWS by the holder's own key. Used once, within a minute. */
export const tokenSchema = z.object({
  type: z.literal('token'),
  id: z.string().min(1).max(64),
  audience: z.string().min(1).max(200),
  nonce: nonceSchema,
  issuedAt: mediaTimeSchema,
  expiresAt: mediaTimeSchema,
});
export type Token = z.infer<typeof tokenSchema>;

/**
 * `revoked`: JWS by a credential key, retained. The version only grows. An entry is the id of a receiver that left service,
 * or the kid of a key that may no longer speak for its receiver, since another board has taken its place.
 */
export const revokedSchema = z.object({
  type: z.literal('revoked'),
  version: z.number().int().min(1),
  issuedAt: mediaTimeSchema,
  ids: z.array(z.string().min(1).max(64)).max(100_000),
});
export type Revoked = z.infer<typeof revokedSchema>;

/** The latencies that receivers compare, ms: 150 ms to 9.9 s in steps of 12 %, so that none is missed by more than that. */
export const CANDIDATE_LATENCIES_MS: readonly number[] = Array.from({ length: 38 }, (_, index) =>
  Math.round(150 * 1.12 ** index),
);

/**
 * `dev/{id}/lateness`: of so many packets of a stream, how many would have come too late at each candidate latency, in their
 * order; zeros at the end are left out. Counted from the moment on at which the receiver first heard the stream; the next
 * report of it replaces this one. At most 330 bytes for a quarter of an hour.
 */
export const latenessSchema = z
  .object({
    streamId: streamIdSchema,
    packets: z.number().int().min(0),
    late: z.array(z.number().int().min(0)).max(CANDIDATE_LATENCIES_MS.length),
  })
  .refine(({ packets, late }) => late.every((count, index) => count <= (late[index - 1] ?? packets)), {
    error: 'counts of late packets fall as the latency rises',
  });
export type Lateness = z.infer<typeof latenessSchema>;

export const MAX_REPAIR_RANGES = 16;

/** `dev/{id}/repair`: frames of a stream that never came and can still be played. The answer holds whole audio packets. */
export const repairRequestSchema = z.object({
  streamId: streamIdSchema,
  missing: z
    .array(
      z.object({
        sequence: z.number().int().min(0).max(0xffff_ffff),
        frames: z.number().int().min(1).max(MAX_REPAIR_FRAMES),
      }),
    )
    .min(1)
    .max(MAX_REPAIR_RANGES),
});
export type RepairRequest = z.infer<typeof repairRequestSchema>;

export const joinCodeSchema = z.string().regex(JOIN_CODE);

/** `POST /device/join`: a board shows its key and its code. A member's key asks for a new credential by it. */
export const joinRequestSchema = z.object({
  code: joinCodeSchema,
  key: publicKeySchema,
  model: lineSchema(80).min(1),
  /** The maker's number, as on the board's label. */
  serial: lineSchema(80).min(1).optional(),
  /** JWS by this key, a `command-result`: it is about to wipe itself as it was told. */
  receipt: compactJwsSchema.max(4_096).optional(),
});
export type JoinRequest = z.infer<typeof joinRequestSchema>;

/** PEM: one certificate. */
export const clientCertificateSchema = z
  .string()
  .max(4_096)
  .regex(/^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n$/);

/** The answer to a board. */
export const joinAnswerSchema = z.discriminatedUnion('state', [
  /** A person has still to type the code. */
  z.object({ state: z.literal('waiting') }),
  /** The code is no good any more: too old, or another board showed it too. The board makes a new one. */
  z.object({ state: z.literal('new-code') }),
  /** The board was taken out of service or replaced: JWS (air), a `command` to wipe it. */
  z.object({ state: z.literal('retired'), wipe: compactJwsSchema }),
  /** Who the board is from now on. */
  z.object({
    state: z.literal('joined'),
    deviceId: deviceIdSchema,
    credential: compactJwsSchema,
    /** The same for brokers that know no credential: an X.509 certificate over the board's key, named by its id. */
    certificate: clientCertificateSchema.optional(),
    broker: z.object({ url: z.string().max(200), name: z.string().min(1).max(200) }),
  }),
]);
export type JoinAnswer = z.infer<typeof joinAnswerSchema>;
