// What the benchmark and its helper processes tell each other, by Node's own channel, and the clock that they share.
import { z } from 'zod';

export const STREAM_ID = 'feedfacefeedfacefeedfacefeedface';
/** From its due moment until a packet is to be heard: none is too late before. */
export const LATENCY_MS = 10_000;

/** Packets, base64, each to be sent once the one before it has been answered. */
const greetingSchema = z.array(z.string());

export const toReceiversSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('join'),
    port: z.number(),
    isTls: z.boolean(),
    greetings: z.array(greetingSchema),
    /** So many of the last ones read nothing once they have joined. */
    frozen: z.number(),
  }),
  z.object({ type: z.literal('ping') }),
  /** From here on packets count; within these moments (microseconds) they are measured. */
  z.object({ type: z.literal('window'), fromUs: z.number(), toUs: z.number() }),
  z.object({ type: z.literal('tell') }),
]);
export type ToReceivers = z.infer<typeof toReceiversSchema>;

export const heardSchema = z.object({
  type: z.literal('heard'),
  /** Packets since the window was set. */
  all: z.number(),
  /** Those that arrived within it. */
  inWindow: z.number(),
  latenessPairs: z.array(z.tuple([z.number(), z.number()])),
  /** The longest time within the window in which one connection got nothing. */
  longestSilenceMs: z.number(),
});
export type Heard = z.infer<typeof heardSchema>;

export const toSpeakerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('join'), port: z.number(), greeting: greetingSchema }),
  z.object({
    type: z.literal('speak'),
    packetsPerSecond: z.number(),
    material: z.enum(['speech', 'largest']),
  }),
  z.object({ type: z.literal('stop') }),
]);
export type ToSpeaker = z.infer<typeof toSpeakerSchema>;

export const joinedSchema = z.object({ type: z.literal('joined') });
export const stoppedSchema = z.object({
  type: z.literal('stopped'),
  packets: z.number(),
  bytes: z.number(),
});

/** Microseconds on a clock that all processes of this machine share (CLOCK_MONOTONIC). */
export function nowUs(): number {
  return performance.now() * 1000 + offsetUs;
}

const offsetUs = Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000;

/** Between that clock and UTC, as the process that began the benchmark saw it. */
export function utcOffsetUs(): number {
  const told = process.env['LOALANG_BENCH_UTC_OFFSET_US'];
  return told === undefined ? Math.round(Date.now() * 1000 - nowUs()) : Number(told);
}

export function answer(message: unknown): void {
  process.send?.(message);
}
