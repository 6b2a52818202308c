// Which audio packets may reach the playout: of an announced stream, signed by the key that its announcement names,
// within its time box, once each, and only while the receiver knows that what it hears is of now.
import type { KeyObject } from 'node:crypto';
import type { AudioPacket, LiveStream, MediaTime, RefusalReason } from '@loalang/shared';
import { readPublicKey, verifyAudioPacket } from '@loalang/shared/signing';

/** Packets of the last minute, in frames of 20 ms each: longer than any stream's latency. The oldest is forgotten. */
const MAX_SEEN = 3_000;
/** A burst after an outage: the longest latency in packets of one frame. Then twice the rate of one-frame packets. */
const BURST_PACKETS = 600;
const PACKETS_PER_SECOND = 100;

interface OpenStream {
  readonly stream: LiveStream;
  readonly key: KeyObject;
  readonly seen: Set<number>;
  tokens: number;
  refilledUs: number;
}

export type Admission = { ok: true; packet: AudioPacket } | { ok: false; reason: RefusalReason };

/** The gate before the playout. Pure but for the signature. */
export class StreamGate {
  #streams = new Map<string, OpenStream>();

  /** The streams of the newest accepted `now`. */
  announce(streams: readonly LiveStream[]): void {
    const fresh = new Map<string, OpenStream>();
    for (const stream of streams) {
      const known = this.#streams.get(stream.id);
      const isSame = known !== undefined && known.stream.key === stream.key;
      fresh.set(stream.id, isSame ? { ...known, stream } : openStream(stream));
    }
    this.#streams = fresh;
  }

  /** The announced streams whose time box is open. */
  current(now: MediaTime | null): LiveStream[] {
    const streams = [...this.#streams.values()].map(({ stream }) => stream);
    return streams.filter(({ expiresAt }) => now === null || expiresAt > now);
  }

  /** Judges one packet. `now` is null until a nonce-bound signed time has come since boot. */
  admit(streamId: string, bytes: Uint8Array, now: MediaTime | null, nowUs: number): Admission {
    const open = this.#streams.get(streamId);
    if (open === undefined) return { ok: false, reason: 'not-announced' };
    if (now === null) return { ok: false, reason: 'stale' };
    if (open.stream.expiresAt <= now) return { ok: false, reason: 'expired' };
    if (!takeToken(open, nowUs)) return { ok: false, reason: 'too-many' };
    const verified = verifyAudioPacket(bytes, streamId, open.key);
    if (!verified.ok) return verified;
    const { packet } = verified;
    if (packet.mediaTime >= open.stream.expiresAt) return { ok: false, reason: 'expired' };
    if (open.seen.has(packet.sequence)) return { ok: false, reason: 'replayed' };
    remember(open.seen, packet.sequence);
    return { ok: true, packet };
  }
}

function openStream(stream: LiveStream): OpenStream {
  return { stream, key: readPublicKey(stream.key), seen: new Set(), tokens: BURST_PACKETS, refilledUs: 0 };
}

function takeToken(open: OpenStream, nowUs: number): boolean {
  const elapsedS = Math.max(0, nowUs - open.refilledUs) / 1e6;
  open.refilledUs = nowUs;
  open.tokens = Math.min(BURST_PACKETS, open.tokens + elapsedS * PACKETS_PER_SECOND);
  if (open.tokens < 1) return false;
  open.tokens -= 1;
  return true;
}

function remember(seen: Set<number>, sequence: number): void {
  seen.add(sequence);
  const oldest = seen.values().next();
  if (seen.size > MAX_SEEN && oldest.done !== true) seen.delete(oldest.value);
}
