// The way of live packets from the link to the renderer: by their stream's topic, and again where they were missed.
import {
  decodeAudioPacket,
  decodeRepairAnswer,
  type Lateness,
  type LiveStream,
  type MediaTime,
  type RefusalReason,
  type RepairRequest,
} from '@loalang/shared';
import type { ClockSample } from './clock/index.ts';
import type { Core } from './core.ts';
import { LatenessDesk } from './lateness/index.ts';
import { RepairDesk } from './repair/index.ts';

export interface LivePacketsParts {
  readonly core: Core;
  readonly refuse: (reason: RefusalReason, what: string) => void;
  /** Sends what is worthless when late; false where there is no link. */
  readonly send: (channel: 'lateness' | 'repair', message: Lateness | RepairRequest) => boolean;
}

/** Verifies packets, hands them to the renderer, asks for those that never came and tells how late they are. */
export class LivePackets {
  readonly #parts: LivePacketsParts;
  readonly #repair: RepairDesk;
  readonly #lateness: LatenessDesk;

  constructor(parts: LivePacketsParts) {
    const { core, send } = parts;
    const { clock, asksRepair = true } = core.options;
    this.#parts = parts;
    this.#repair = new RepairDesk({
      clock,
      mediaNow: () => this.#heardAt().now,
      streams: () => (asksRepair ? core.gate.current(core.mediaNow()) : []),
      gaps: (streamId, nowUs, tailUntilUs) => core.renderer.gaps(streamId, nowUs, tailUntilUs),
      send: (request) => send('repair', request),
    });
    this.#lateness = new LatenessDesk({ clock, send: (report) => send('lateness', report) });
  }

  /** Resolves once what was lost has been asked for. */
  async online(): Promise<void> {
    await this.#repair.start();
  }

  offline(): void {
    this.#repair.stop();
  }

  close(): void {
    this.#repair.stop();
    this.#lateness.close();
  }

  /** The streams that are followed from now on. */
  follow(streams: readonly LiveStream[]): void {
    this.#lateness.follow(streams);
  }

  learnRoundTrip(samples: readonly ClockSample[]): void {
    this.#repair.learnRoundTrip(samples.map(({ t1, t2, t3, t4 }) => t4 - t1 - (t3 - t2)));
  }

  /** Takes a packet that came by its stream's topic. */
  take(streamId: string, bytes: Uint8Array): void {
    const { core } = this.#parts;
    const { now, nowUs } = this.#heardAt();
    const admission = core.gate.admit(streamId, bytes, now, nowUs);
    if (!admission.ok) return this.#refuse(admission.reason, 'stream');
    core.renderer.insert(streamId, admission.packet, nowUs);
    this.#repair.arrived(streamId, admission.packet.sequence, admission.packet.frames.length);
    // An hour that is only roughly known says nothing about how late a packet is.
    const isInStep = core.clock.reading(nowUs).state === 'in-step';
    if (now !== null && isInStep) this.#lateness.count(streamId, admission.packet, now);
  }

  /**
   * Takes an answer to a question. The cheap checks come first: what nobody asked for costs no signature check, however
   * much of it comes.
   */
  takeRepair(bytes: Uint8Array): void {
    const { gate, renderer } = this.#parts.core;
    const answer = decodeRepairAnswer(bytes);
    const claimed = answer === null ? null : decodeAudioPacket(answer.packet);
    if (answer === null || claimed === null) return this.#refuse('malformed', 'repair');
    if (!gate.isAnnounced(answer.streamId)) return this.#refuse('not-announced', 'repair');
    if (!this.#repair.isExpected(answer.streamId, claimed.sequence, claimed.frames.length)) {
      return this.#refuse('replayed', 'repair');
    }
    const { now, nowUs } = this.#heardAt();
    const admission = gate.admitRepair(answer, now, nowUs);
    if (admission.ok) renderer.insert(answer.streamId, admission.packet, nowUs);
    else this.#refuse(admission.reason, 'repair');
  }

  /** Both clocks; media time only once it was shown to be of now. */
  #heardAt(): { now: MediaTime | null; nowUs: number } {
    const { core } = this.#parts;
    const nowUs = core.options.clock.nowUs();
    return { now: core.hasSignedTime ? core.clock.toMediaTime(nowUs) : null, nowUs };
  }

  #refuse(reason: RefusalReason | null, what: string): void {
    if (reason !== null) this.#parts.refuse(reason, what);
  }
}
