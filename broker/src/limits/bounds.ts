import type { BrokerRole } from '@loalang/shared';
import { handshakeObjections } from '../listeners/handshake-error.ts';
import { rateOf, type Rate } from './token-bucket.ts';

/**
 * The bounds that an operator may set, each by a variable of its name (`LOALANG_BROKER_CONNECTIONS_PER_ADDRESS`).
 * docs/operations.md says of each why it is so large and what a breach gets; a test compares.
 */
export const defaultLimits = {
  connections: 4096,
  /** An IPv6 /64 counts as one address. A carrier may put half a province behind one, so this is no fence for guessers. */
  connectionsPerAddress: 1024,
  /** Of this machine itself, where proxies and the simulated fleet live. */
  connectionsFromLoopback: 4096,
  /** Connections that have sent no CONNECT for a second; where there are more, the oldest gives way. */
  signingIn: 1024,
  signingInPerAddress: 64,
  /** The loopback interface has the broker's share. */
  newPerSecond: 500,
  newPerSecondPerAddress: 100,
  /** Time from the first byte to a whole CONNECT. */
  signInMs: 5_000,
  /** Failed sign-ins that wait for their answer; where there are more, they are cut off without one. */
  heldFailures: 256,
  heldFailuresPerAddress: 8,
  /** Outages of 10 to 20 s are everyday on LTE, and a new connection costs more than waiting for the old one. */
  drainMs: 60_000,
  unsentBytes: 256 * 1024 * 1024,
  retainedMessages: 65_536,
  retainedBytes: 256 * 1024 * 1024,
  devicePacketsPerSecond: 50,
  deviceBytesPerSecond: 128 * 1024,
  timePacketsPerSecond: 5_000,
  timeBytesPerSecond: 4 * 1024 * 1024,
  platformPacketsPerSecond: 5_000,
  platformBytesPerSecond: 64 * 1024 * 1024,
};
export type BrokerLimits = Readonly<typeof defaultLimits>;

/** The variable of the environment that sets a limit. */
export function variableOf(limit: string): string {
  return `LOALANG_BROKER_${limit.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Before sign-in: a credential with its certificate, a token and a will are about 2 KiB. */
export const CONNECT_BYTES = 8 * 1024;

/** What a client may send along with its CONNECT, before the answer; more waits in the socket. */
export const PACKETS_BEFORE_ANSWER = 8;

/** The bodies of everything that is neither CONNECT nor a message. All filters that a receiver may have are 500 bytes. */
export const CONTROL_BYTES = 4 * 1024;

/**
 * After sign-in. A receiver's largest message is a proof or a list of faults; the platform's is a plan or the revoked list, that
 * of the time service a signed answer of 500 bytes.
 */
export const packetBytes: Record<BrokerRole, number> = {
  device: 256 * 1024,
  time: 4 * 1024,
  platform: 4 * 1024 * 1024,
};

/**
 * Control messages waiting for one connection. Whoever has more outstanding is closed: what it missed is retained, or
 * asked for again. A publisher is never made to wait for a reader, so this is what bounds memory. The platform's bound
 * holds all statuses and proofs of a province for a minute.
 */
export const waitingBytes: Record<BrokerRole, number> = {
  device: 1024 * 1024,
  time: 4 * 1024 * 1024,
  platform: 32 * 1024 * 1024,
};

/** How much may be read from a client of each role. */
export function readRates(limits: BrokerLimits): Record<BrokerRole, { packets: Rate; bytes: Rate }> {
  const pair = (packets: number, bytes: number): { packets: Rate; bytes: Rate } => ({
    packets: rateOf(packets),
    bytes: rateOf(bytes),
  });
  return {
    device: pair(limits.devicePacketsPerSecond, limits.deviceBytesPerSecond),
    time: pair(limits.timePacketsPerSecond, limits.timeBytesPerSecond),
    platform: pair(limits.platformPacketsPerSecond, limits.platformBytesPerSecond),
  };
}

/** The longest of our topics, a stream's, has 45 characters. */
export const MAX_TOPIC_LENGTH = 64;
/** The deepest of our topics has 6. */
export const MAX_TOPIC_LEVELS = 8;
/** A dead connection is noticed within 1.5 times this; without a keepalive it would stay for ever. */
export const MAX_KEEPALIVE_S = 120;

/** Aedes' options, each set on purpose. */
export function aedesBounds(limits: BrokerLimits): AedesBounds {
  return {
    connectTimeout: limits.signInMs,
    drainTimeout: limits.drainMs,
    queueLimit: PACKETS_BEFORE_ANSWER,
    // QoS 2 is refused; should one slip through, there is never a second.
    maxInflightInbound: 1,
    // Only MQTT 3.1 knows this bound (23); our ids are as long in either version.
    maxClientsIdLength: 64,
    maxTopicLevels: MAX_TOPIC_LEVELS,
    keepaliveLimit: MAX_KEEPALIVE_S,
  };
}

interface AedesBounds {
  readonly connectTimeout: number;
  readonly drainTimeout: number;
  readonly queueLimit: number;
  readonly maxInflightInbound: number;
  readonly maxClientsIdLength: number;
  readonly maxTopicLevels: number;
  readonly keepaliveLimit: number;
}

/** What the limits that Aedes keeps for us are called in its errors, and in our metrics. */
const aedesReasons: Readonly<Record<string, LimitReason>> = {
  'connect did not arrive in time': 'sign-in-time',
  'keep alive limit exceeded': 'keepalive-too-long',
  'keep alive timeout': 'keepalive',
  'drain timeout': 'not-draining',
  'topic has too many levels': 'topic-too-deep',
};

/** Which limit ended a connection by this error; null where it was none. */
export function limitBehind(error: Error): LimitReason | null {
  return aedesReasons[error.message] ?? null;
}

/** The values of the label `reason` of `limits_hit_total`. */
export const limitReasons = [
  'broker-full',
  'address-full',
  'broker-rate',
  'address-rate',
  'displaced',
  ...handshakeObjections,
  'sign-in-time',
  'guess-cut',
  'not-connect',
  'too-long',
  'malformed',
  'read-rate',
  'keepalive',
  'keepalive-too-long',
  'topic-too-deep',
  'not-draining',
  'waiting',
  'unsent',
  'retained-full',
] as const;
export type LimitReason = (typeof limitReasons)[number];
