import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, systemClock } from '@loalang/device-agent';
import { Link, TcpShaper, VirtualBoard } from '@loalang/firmware-sim';
import { CountSink } from './count-sink.ts';
import { calmNetwork, radioWay, type BufferLink, type Event } from './links.ts';
import { deviceIdOf, type BenchPlatform } from './platform.ts';
import { until } from './voice.ts';

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ';

/** A whole receiver behind a shaper of its own. */
export class Listener {
  readonly deviceId: string;
  readonly sink = new CountSink();
  readonly #platform: BenchPlatform;
  readonly #code: string;
  readonly #asksRepair: boolean;
  readonly #link: Link;
  readonly #shaper: TcpShaper;
  #agent: Agent | null = null;
  #folder = '';
  #radioFromUs = 0;

  constructor(platform: BenchPlatform, index: number, asksRepair: boolean) {
    this.#platform = platform;
    this.#asksRepair = asksRepair;
    this.#code = `BENCHAA${LETTERS[index] ?? 'Z'}`;
    this.deviceId = deviceIdOf(this.#code);
    this.#link = new Link({ profile: calmNetwork, seed: this.#code, clock: systemClock });
    this.#shaper = new TcpShaper({
      target: { host: '127.0.0.1', port: platform.brokerPort },
      link: this.#link,
    });
  }

  async start(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'loalang-bench-'));
    const { port } = await this.#shaper.start();
    this.#agent = new Agent({
      dataFolder: this.#folder,
      platformUrl: this.#platform.httpUrl,
      brokerUrl: `mqtt://127.0.0.1:${port}`,
      rootKey: this.#platform.rootKey,
      joinCode: this.#code,
      board: new VirtualBoard({ seed: this.#code, clock: systemClock }),
      sink: this.sink,
      asksRepair: this.#asksRepair,
      log: this.#platform.log,
    });
    await this.#agent.start();
  }

  /** From now on the link is this radio. Its time begins now, whether or not anything is sent. */
  beginRadio({ up, down }: BufferLink): void {
    this.#link.setProfile({ up: radioWay(up), down: radioWay(down) });
    this.#radioFromUs = systemClock.nowUs();
    for (const way of [this.#link.up, this.#link.down])
      way.releaseAtUs({ lastReleaseUs: 0 }, 0, this.#link.nowUs());
  }

  /** Back to a calm link, so that the proof comes soon. */
  endRadio(): void {
    this.#link.setProfile(calmNetwork);
  }

  /** Goes through what happens to the link, in its order. */
  async suffer(events: readonly Event[]): Promise<void> {
    for (const { atS, kind, forMs } of events) {
      const fromUs = this.#radioFromUs + atS * 1e6;
      await until(fromUs);
      if (kind === 'stall') this.#link.stall();
      else this.#shaper.setRefusing(true);
      await until(fromUs + forMs * 1000);
      if (kind === 'stall') this.#link.resume();
      else this.#shaper.setRefusing(false);
    }
  }

  async close(): Promise<void> {
    await this.#agent?.close();
    await this.#shaper.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
