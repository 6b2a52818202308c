import { Agent, type MonotonicClock, type Timer } from '@loalang/device-agent';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { VirtualRtc } from '../board/rtc.ts';
import { VirtualBoard } from '../board/virtual-board.ts';
import type { NetworkProfile } from '../network/profile.ts';
import { VirtualNetwork } from '../network/virtual-network.ts';
import { makeRecorder, type RecordingOptions } from './recorder.ts';
import type { ReferenceTime } from './reference-time.ts';
import { placeOf, type SampleDevice } from './sample.ts';

/** What all receivers of a fleet have in common. */
export interface Surroundings {
  readonly dataFolder: string;
  readonly platformUrl: string;
  readonly brokerUrl: string;
  readonly rootKey: string;
  /** Null: straight to the broker and the platform. */
  readonly network: NetworkProfile | null;
  readonly recording: RecordingOptions;
  readonly clock: MonotonicClock;
  readonly reference: ReferenceTime;
  readonly log: Logger;
}

export type ReceiverState = 'off' | 'starting' | 'running' | 'failed';

/** A board's watchdog starts a failed agent again after so long, doubled each time up to the longest. */
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 60_000;
/** An agent that takes longer to close is left behind. */
const CLOSE_WITHIN_MS = 2_000;

/** One loudspeaker on its pole: the real agent on a virtual board, behind a virtual network, recorded. */
export class Receiver {
  readonly place: string;
  readonly board: VirtualBoard;
  /** Where what it plays is recorded. */
  readonly recordings: string;
  /** Null without a virtual network. */
  readonly network: VirtualNetwork | null;
  readonly #device: SampleDevice;
  readonly #around: Surroundings;
  readonly #log: Logger;
  /** The board's disk: all that survives a power cut. */
  readonly #disk: string;
  #agent: Agent | null = null;
  #retry: Timer | null = null;
  #retryMs = FIRST_RETRY_MS;
  #state: ReceiverState = 'off';

  constructor(device: SampleDevice, around: Surroundings) {
    const { clock, network: profile } = around;
    const place = placeOf(device);
    this.place = place;
    this.board = new VirtualBoard({ seed: place, clock, rtc: makeRtc(place, around) });
    this.network = profile === null ? null : new VirtualNetwork({ profile, seed: place, clock });
    this.recordings = join(around.dataFolder, place, 'recordings');
    this.#disk = join(around.dataFolder, place, 'disk');
    this.#device = device;
    this.#around = around;
    this.#log = around.log.child({ receiver: place });
  }

  get state(): ReceiverState {
    return this.#state;
  }

  /** The agent at work; null while the board is off. */
  get agent(): Agent | null {
    return this.#agent;
  }

  /** Switches the board on. Never rejects: a start that fails is logged and tried again, as a board's watchdog would. */
  async start(): Promise<void> {
    if (this.#state === 'starting' || this.#state === 'running') return;
    this.#retry?.cancel();
    this.#state = 'starting';
    try {
      await this.#startAgent();
      if (this.#isStarting()) this.#state = 'running';
      this.#retryMs = FIRST_RETRY_MS;
    } catch (error) {
      await this.#failed(error);
    }
  }

  /** Shuts down in good order. May be called twice. */
  async close(): Promise<void> {
    this.#state = 'off';
    await this.#stopAgent();
    await this.network?.close();
  }

  /**
   * The plug is pulled: no word to anybody, nothing written any more. The broker is left with a connection that nobody
   * answers, and the disk is put back to what it held at that instant once the agent is gone.
   */
  async powerCut(): Promise<void> {
    this.#state = 'off';
    this.board.switchOff();
    this.network?.cut();
    const kept = `${this.#disk}.cut`;
    rmSync(kept, { recursive: true, force: true });
    if (existsSync(this.#disk)) cpSync(this.#disk, kept, { recursive: true });
    await this.#stopAgent();
    rmSync(this.#disk, { recursive: true, force: true });
    if (existsSync(kept)) renameSync(kept, this.#disk);
  }

  // A way around the narrowing of the state: it may have changed while the agent started.
  #isStarting(): boolean {
    return this.#state === 'starting';
  }

  async #startAgent(): Promise<void> {
    const { platformUrl, brokerUrl, rootKey, clock, recording, reference } = this.#around;
    this.board.switchOn();
    this.network?.restore();
    mkdirSync(this.#disk, { recursive: true });
    mkdirSync(this.recordings, { recursive: true });
    if (this.board.rtc !== null) keepRtc(this.place, this.#around, this.board.rtc.movedMs);
    const recorder = makeRecorder({
      folder: this.recordings,
      recording,
      clock,
      reference,
      log: this.#log,
    });
    const routed = {
      platformUrl: (await this.network?.route(platformUrl)) ?? platformUrl,
      brokerUrl: (await this.network?.route(brokerUrl)) ?? brokerUrl,
    };
    if (!this.#isStarting()) {
      await this.network?.close();
      return;
    }
    const agent = new Agent({
      ...routed,
      dataFolder: this.#disk,
      rootKey,
      joinCode: this.#device.joinCode,
      board: this.board,
      sink: this.board.wire(recorder),
      clock,
      log: this.#log,
      onWiped: () => void this.#startAnew(),
    });
    this.#agent = agent;
    await agent.start();
  }

  // As the supervisor of a board does when its agent ends.
  async #startAnew(): Promise<void> {
    await this.#stopAgent();
    if (this.#state === 'off') return;
    this.#state = 'off';
    await this.start();
  }

  async #failed(error: unknown): Promise<void> {
    const wasStarting = this.#isStarting();
    await this.#stopAgent();
    if (!wasStarting) return;
    this.#state = 'failed';
    const retryMs = this.#retryMs;
    this.#retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
    this.#log.error({ err: error, retryMs }, 'the receiver did not start');
    this.#retry = this.#around.clock.after(retryMs, () => void this.start());
  }

  async #stopAgent(): Promise<void> {
    this.#retry?.cancel();
    this.#retry = null;
    const agent = this.#agent;
    this.#agent = null;
    if (agent !== null) await this.#closeInTime(agent);
  }

  async #closeInTime(agent: Agent): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#around.clock.after(CLOSE_WITHIN_MS, () => {
        this.#log.warn('the agent did not close in time');
        resolve();
      });
      const ended = (error: unknown): void => {
        timer.cancel();
        if (error !== undefined) this.#log.warn({ err: error }, 'the agent did not close cleanly');
        resolve();
      };
      agent.close().then(() => ended(undefined), ended);
    });
  }
}

// A battery-backed clock runs on while the simulator does not: how it was set last is kept beside the disk.
function rtcPath(place: string, { dataFolder }: Surroundings): string {
  return join(dataFolder, place, 'rtc');
}

function keepRtc(place: string, around: Surroundings, movedMs: number): void {
  writeFileSync(rtcPath(place, around), String(movedMs));
}

function makeRtc(place: string, around: Surroundings): VirtualRtc {
  const { clock, reference } = around;
  const path = rtcPath(place, around);
  const movedMs = existsSync(path) ? Number(readFileSync(path, 'utf8')) : Number.NaN;
  return new VirtualRtc({
    seed: place,
    clock,
    trueMs: reference.at(clock.nowUs()) / 1000,
    ...(Number.isFinite(movedMs) ? { movedMs } : {}),
    onMoved: (moved) => keepRtc(place, around, moved),
  });
}
