import { addMs, decodeAudioPacket, readPacketEnd, type MediaTime, type RepairRequest } from '@loalang/shared';

/** What has been heard everywhere is kept a little longer, for receivers whose clocks lag. */
const KEPT_AFTER_MS = 2_000;
/** A packet has one frame of 20 ms at least, and a stream of 10 s latency stamps up to 15 s ahead. */
const MAX_PACKETS = 900;
const UINT32 = 2 ** 32;

interface Kept {
  readonly sequence: number;
  readonly frames: number;
  readonly endsAt: MediaTime;
  readonly bytes: Uint8Array;
}

/**
 * The packets of each running stream that can still be heard, and of 2 s more: what a receiver may ask for again. Bounded
 * by time and by number; where a stream has more, its oldest go.
 */
export class PacketHistory {
  readonly #streams = new Map<string, Kept[]>();

  open(streamId: string): void {
    this.#streams.set(streamId, []);
  }

  /** Takes a packet as it was published; packets come in the order of their times. */
  keep(streamId: string, bytes: Uint8Array, now: MediaTime): void {
    const kept = this.#streams.get(streamId);
    const packet = decodeAudioPacket(bytes);
    const endsAt = readPacketEnd(bytes);
    if (kept === undefined || packet === null || endsAt === null) return;
    kept.push({ sequence: packet.sequence, frames: packet.frames.length, endsAt, bytes });
    const fresh = kept.findIndex((each) => each.endsAt > addMs(now, -KEPT_AFTER_MS));
    const gone = Math.max(fresh === -1 ? kept.length : fresh, kept.length - MAX_PACKETS);
    if (gone > 0) kept.splice(0, gone);
  }

  /** The packets with one of these frames that can still be heard, each once, those that are heard first at the front. */
  find({ streamId, missing }: RepairRequest, now: MediaTime): Uint8Array[] {
    const kept = this.#streams.get(streamId) ?? [];
    const isWanted = (packet: Kept): boolean => missing.some((range) => overlap(packet, range));
    return kept.filter((packet) => packet.endsAt > now && isWanted(packet)).map(({ bytes }) => bytes);
  }

  drop(streamId: string): void {
    this.#streams.delete(streamId);
  }
}

interface Range {
  readonly sequence: number;
  readonly frames: number;
}

/** Do two ranges of numbers, modulo 2^32, share one? */
function overlap(a: Range, b: Range): boolean {
  const ahead = (b.sequence - a.sequence + UINT32) % UINT32;
  const behind = (a.sequence - b.sequence + UINT32) % UINT32;
  return ahead < a.frames || behind < b.frames;
}
