import { MAX_LATENCY_MS, MAX_STREAM_SUBSCRIPTIONS, MOST_LEAD } from '@loalang/shared';

/** Speech at 24 kb/s at its loudest: a packet of 3 frames of 113 bytes, signed and addressed, each 60 ms. */
const MOST_BYTES_A_MS = 8;

/**
 * What may wait for one subscriber: all its streams for as long as their packets can still be heard, which is the longest
 * latency and the lead that a stamp may have on top. The bytes are shared by all subscribers that they wait for.
 */
export const QUEUE_BYTES = MAX_STREAM_SUBSCRIPTIONS * MAX_LATENCY_MS * MOST_LEAD * MOST_BYTES_A_MS;

/** Silence in the same stream: frames of 22 bytes. */
const LEAST_BYTES_A_MS = 3.3;

/**
 * What the kernel may hold of one connection without having sent it: it can't be dropped any more, so it is half the
 * longest latency of the thinnest stream. (What is sent and not acknowledged comes on top; TCP bounds it by what the
 * network was seen to carry.)
 */
export const UNSENT_BYTES = Math.round((MAX_LATENCY_MS / 2) * LEAST_BYTES_A_MS);
