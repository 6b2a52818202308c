import type { BrokerRole } from '@loalang/shared';

/** The bounds that an operator may want to set. */
export interface BrokerLimits {
  /** Connections of one foreign address (an IPv6 /64 counts as one): a village behind one modem, not a province. */
  readonly connectionsPerAddress: number;
  /** Of this machine itself, where proxies and the simulated fleet live. */
  readonly connectionsFromLoopback: number;
  readonly connections: number;
  /** Time from the first byte to a whole CONNECT. */
  readonly signInMs: number;
  /** How long a connection may stay unable to take what it was sent before it is closed. */
  readonly drainMs: number;
}

export const defaultLimits: BrokerLimits = {
  connectionsPerAddress: 64,
  connectionsFromLoopback: 4096,
  connections: 4096,
  signInMs: 5_000,
  // Outages of 10 to 20 s are everyday on LTE, and a new connection costs more than waiting for the old one.
  drainMs: 60_000,
};

/** Before sign-in: a credential with its certificate, a token and a will are about 2 KiB. */
export const CONNECT_BYTES = 8 * 1024;

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

/** Aedes' options, each set on purpose. */
export function aedesBounds(limits: BrokerLimits): AedesBounds {
  return {
    connectTimeout: limits.signInMs,
    drainTimeout: limits.drainMs,
    // Packets that came along with a CONNECT and wait for its answer. A client that waits its turn needs none.
    queueLimit: 8,
    // QoS 2 is refused; should one slip through, there is never a second.
    maxInflightInbound: 1,
    // Only MQTT 3.1 knows this bound (23); our ids are as long in either version.
    maxClientsIdLength: 64,
    // The deepest of our topics has 6.
    maxTopicLevels: 8,
    // A dead connection is noticed within 1.5 times this; without a keepalive it would stay for ever.
    keepaliveLimit: 120,
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
