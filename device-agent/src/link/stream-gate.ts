// Which audio packets may reach the playout: of an announced stream, signed by the key that its announcement names,
// within its time box, once each, and only while the receiver knows that what it hears is of now.
import type { KeyObject } from 'node:crypto';
import {
  MAX_FRAMES_AHEAD,
  type AudioPacket,
  type LiveStream,
  type MediaTime,
  type RefusalReason,
  type RepairAnswer,
} from '@loalang/shared';
import { readPublicKey, verifyAudioPacket } from '@loalang/shared/signing';

/** Packets of the last minute, in frames of 20 ms each: longer than any stream's latency. The oldest is forgotten. */
const MAX_SEEN = 3_000;
/** A burst after an outage: all that can be ahead, in packets of one frame. Then twice the rate of one-frame packets. */
const BURST_PACKETS = MAX_FRAMES_AHEAD;
const PACKETS_PER_SECOND = 100;

/** A packet comes by its stream's topic, and again as an answer where it was asked for. */
type Way = 'stream' | 'repair';

interface Tokens {
  left: number;
  refilledUs: number;
}

interface OpenStream {
  readonly stream: LiveStream;
  readonly key: KeyObject;
  /** Numbers of packets, with the ways that each has come by. */
  readonly seen: Map<number, Set<Way>>;
  /** Apart, so that a flood of answers takes nothing from the stream. */
  readonly tokens: Record<Way, Tokens>;
}

/** No reason: the packet came by the other way already, which is nobody's fault. */
export type Admission = { ok: true; packet: AudioPacket } | { ok: false; reason: RefusalReason | null };

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

  isAnnounced(streamId: string): boolean {
    return this.#streams.has(streamId);
  }

  /** The announced streams whose time box is open. */
  current(now: MediaTime | null): LiveStream[] {
    const streams = [...this.#streams.values()].map(({ stream }) => stream);
    return streams.filter(({ expiresAt }) => now === null || expiresAt > now);
  }

  /** Judges one packet. `now` is null until a nonce-bound signed time has come since boot. */
  admit(streamId: string, bytes: Uint8Array, now: MediaTime | null, nowUs: number): Admission {
    return this.#admit({ streamId, bytes, way: 'stream' }, now, nowUs);
  }

  /** Judges one that was asked for, by all the same rules. */
  admitRepair({ streamId, packet }: RepairAnswer, now: MediaTime | null, nowUs: number): Admission {
    return this.#admit({ streamId, bytes: packet, way: 'repair' }, now, nowUs);
  }

  #admit(
    { streamId, bytes, way }: { streamId: string; bytes: Uint8Array; way: Way },
    now: MediaTime | null,
    nowUs: number,
  ): Admission {
    const open = this.#streams.get(streamId);
    if (open === undefined) return { ok: false, reason: 'not-announced' };
    if (now === null) return { ok: false, reason: 'stale' };
    if (open.stream.expiresAt <= now) return { ok: false, reason: 'expired' };
    if (!takeToken(open.tokens[way], nowUs)) return { ok: false, reason: 'too-many' };
    const verified = verifyAudioPacket(bytes, streamId, open.key);
    if (!verified.ok) return verified;
    const { packet } = verified;
    if (packet.mediaTime >= open.stream.expiresAt) return { ok: false, reason: 'expired' };
    const ways = open.seen.get(packet.sequence);
    if (ways === undefined) {
      remember(open.seen, packet.sequence, way);
      return { ok: true, packet };
    }
    const isReplay = ways.has(way);
    ways.add(way);
    return { ok: false, reason: isReplay ? 'replayed' : null };
  }
}

function openStream(stream: LiveStream): OpenStream {
  const tokens = {
    stream: { left: BURST_PACKETS, refilledUs: 0 },
    repair: { left: BURST_PACKETS, refilledUs: 0 },
  };
  return { stream, key: readPublicKey(stream.key), seen: new Map(), tokens };
}

function takeToken(tokens: Tokens, nowUs: number): boolean {
  const elapsedS = Math.max(0, nowUs - tokens.refilledUs) / 1e6;
  tokens.refilledUs = nowUs;
  tokens.left = Math.min(BURST_PACKETS, tokens.left + elapsedS * PACKETS_PER_SECOND);
  if (tokens.left < 1) return false;
  tokens.left -= 1;
  return true;
}

function remember(seen: OpenStream['seen'], sequence: number, way: Way): void {
  seen.set(sequence, new Set([way]));
  const oldest = seen.keys().next();
  if (seen.size > MAX_SEEN && oldest.done !== true) seen.delete(oldest.value);
}
