import { CANDIDATE_LATENCIES_MS, type AudioPacket, type Lateness } from '@loalang/shared';
import { FRAME_US } from '@loalang/shared/opus';

/** Frames that may be missing at once, as many as are sent in 10 s; more say that the receiver was away, not late. */
const MAX_MISSING_FRAMES = 500;
const UINT32 = 2 ** 32;
const HALF_UINT32 = 2 ** 31;

/**
 * Counts of one stream how many packets would have been late at each candidate latency, whatever its latency is: a packet
 * was on its way for as long as it took from its stamp less the stream's latency to its arrival. (As Jamulus counts for
 * its buffer sizes. The platform's stamper lets the true lead wander by half of the latency when a browser sends
 * unevenly; that is then counted as the network's.)
 *
 * Packets that never came count as if they had come along with the next one, which is when a larger latency could have
 * had them again. Only packets that came by the stream's topic may be counted, so that none counts twice.
 */
export class LatenessCounter {
  readonly #latencyUs: number;
  readonly #late = CANDIDATE_LATENCIES_MS.map(() => 0);
  #packets = 0;
  #next: number | null = null;

  constructor(latencyMs: number) {
    this.#latencyUs = latencyMs * 1000;
  }

  get packets(): number {
    return this.#packets;
  }

  /** Takes a verified packet; `arrivedUs` is media time. */
  count(packet: AudioPacket, arrivedUs: number): void {
    const size = packet.frames.length;
    const ahead = this.#next === null ? 0 : (packet.sequence - this.#next + UINT32) % UINT32;
    if (ahead >= HALF_UINT32) return;
    if (ahead <= MAX_MISSING_FRAMES) {
      for (let frames = ahead; frames > 0; frames -= size) {
        this.#countOne(arrivedUs - (packet.mediaTime - frames * FRAME_US));
      }
    }
    this.#countOne(arrivedUs - packet.mediaTime);
    this.#next = (packet.sequence + size) % UINT32;
  }

  report(streamId: string): Lateness {
    const late = this.#late.slice(0, this.#late.findLastIndex((count) => count > 0) + 1);
    return { streamId, packets: this.#packets, late };
  }

  #countOne(afterStampUs: number): void {
    this.#packets += 1;
    const onWayUs = afterStampUs + this.#latencyUs;
    CANDIDATE_LATENCIES_MS.forEach((candidateMs, index) => {
      if (onWayUs > candidateMs * 1000) this.#late[index] = (this.#late[index] ?? 0) + 1;
    });
  }
}
