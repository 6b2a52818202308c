// The two systems that a benchmark compares: each a server and a player for each card, as whole processes.
import type { ChildProcess } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '@loalang/device-agent';
import { perfectNetwork, VirtualNetwork, type NetworkProfile } from '@loalang/firmware-sim';
import { bundleAgent } from './agent-bundle.ts';
import type { Children } from './children.ts';
import { LivePlatform, type LiveShow, type Member } from './live-platform.ts';
import { hasEnded } from './children.ts';
import { SAMPLE_RATE, sides, type Side, type TwoCards } from './two-cards.ts';

/** From the platform or the server until it is heard: the same for both. */
export const LATENCY_MS = 1_000;
const JOIN_WITHIN_MS = 60_000;

export interface Rig {
  readonly children: Children;
  readonly cards: TwoCards;
  readonly folder: string;
  /** The sound, again and again. */
  readonly samples: Int16Array;
  /** The same, as Opus frames of 20 ms. */
  readonly frames: readonly Uint8Array[];
}

/** A running pair of players. */
export interface Players {
  readonly processes: readonly ChildProcess[];
  readonly networks: readonly VirtualNetwork[];
  close(): Promise<void>;
}

export type StartPlayers = (profile: NetworkProfile, seed: string) => Promise<Players>;

const members: Readonly<Record<Side, Member>> = {
  left: { deviceId: 'd-aaaaaaaaaa', joinCode: 'ABCDEFGH' },
  right: { deviceId: 'd-bbbbbbbbbb', joinCode: 'BCDEFGHJ' },
};

/**
 * Our agents: processes of their own at each start, which learn the time and then hear a live stream. At first with empty
 * folders, so that they join too; with what they learnt of board and card once they have `served`.
 */
export class OurSide {
  readonly #rig: Rig;
  readonly #platform: LivePlatform;
  #starts = 0;
  #agent = '';
  #hasServed = false;

  constructor(rig: Rig) {
    this.#rig = rig;
    this.#platform = new LivePlatform(rig.children, Object.values(members));
  }

  async start(): Promise<void> {
    this.#agent = await bundleAgent();
    await this.#platform.start();
  }

  /** From now on each start is one of receivers that have been in service: the drifts of clock and card are in their journal. */
  async serve(seconds: number): Promise<void> {
    const players = await this.startPlaying(perfectNetwork, 'in service');
    await sleep(seconds * 1000);
    await players.close();
    for (const side of sides) cpSync(this.#folderOf(side), this.#servedFolderOf(side), { recursive: true });
    this.#hasServed = true;
  }

  /** Two agents in step, and nothing on air. */
  async startIdle(profile: NetworkProfile, seed: string): Promise<Players> {
    this.#platform.forget();
    await this.#platform.announce([]);
    const networks = networksFor(profile, seed);
    const processes: ChildProcess[] = [];
    this.#starts += 1;
    for (const [index, network] of networks.entries())
      processes.push(await this.#startAgent(sides[index] ?? 'left', network));
    await this.#platform.everyoneInStep(JOIN_WITHIN_MS);
    return playersOf(this.#rig, networks, processes);
  }

  /** Two agents that hear a stream. */
  async startPlaying(profile: NetworkProfile, seed: string): Promise<Players> {
    const idle = await this.startIdle(profile, seed);
    const show = await this.goLive();
    return {
      ...idle,
      close: async () => {
        show.end();
        await idle.close();
      },
    };
  }

  async goLive(): Promise<LiveShow> {
    return this.#platform.goLive(this.#rig.frames, LATENCY_MS);
  }

  async close(): Promise<void> {
    await this.#platform.close();
  }

  async #startAgent(side: Side, network: VirtualNetwork): Promise<ChildProcess> {
    const folder = this.#folderOf(side);
    if (this.#hasServed) cpSync(this.#servedFolderOf(side), folder, { recursive: true });
    const { child } = await this.#rig.children.startOurs(this.#agent, {
      ...this.#rig.cards.environmentOf(side),
      LOALANG_DATA: folder,
      LOALANG_PLATFORM_URL: this.#platform.url,
      LOALANG_ROOT_KEY: this.#platform.rootKey,
      LOALANG_BROKER_URL: await network.route(this.#platform.brokerUrl),
      LOALANG_JOIN_CODE: members[side].joinCode,
      LOALANG_SINK: 'alsa',
      LOALANG_ALSA_DEVICE: 'pulse',
    });
    return child;
  }

  #folderOf(side: Side): string {
    return join(this.#rig.folder, `agent-${this.#starts}-${side}`);
  }

  #servedFolderOf(side: Side): string {
    return join(this.#rig.folder, `served-${side}`);
  }
}

/** Snapcast from Debian: its server reads the sound from a file at its own pace, its clients play through ALSA as ours do. */
export class SnapcastSide {
  readonly #rig: Rig;
  readonly #folder: string;
  #port = 0;

  constructor(rig: Rig) {
    this.#rig = rig;
    this.#folder = rig.folder;
  }

  async start(): Promise<void> {
    const raw = join(this.#folder, 'snapcast.raw');
    // Its Opus takes two channels only.
    const stereo = Int16Array.from(
      { length: 2 * this.#rig.samples.length },
      (_, index) => this.#rig.samples[index >> 1] ?? 0,
    );
    writeFileSync(raw, stereo);
    this.#port = await freePort();
    const source = `file://${raw}?name=bench&sampleformat=${SAMPLE_RATE}:16:2&codec=opus`;
    const settings = [
      `[server]\ndatadir = ${this.#folder}`,
      '[http]\nenabled = false',
      '[tcp]\nenabled = false',
      `[stream]\nbind_to_address = 127.0.0.1\nport = ${this.#port}\nsource = ${source}\nbuffer = ${LATENCY_MS}`,
    ];
    const configuration = join(this.#folder, 'snapserver.conf');
    writeFileSync(configuration, `${settings.join('\n')}\n`);
    this.#rig.children.start('snapserver', ['-c', configuration], {
      env: { ...process.env, HOME: this.#folder },
      stdio: 'ignore',
    });
  }

  async startPlaying(profile: NetworkProfile, seed: string): Promise<Players> {
    const networks = networksFor(profile, seed);
    const processes: ChildProcess[] = [];
    for (const [index, network] of networks.entries()) {
      const address = new URL(await network.route(`http://127.0.0.1:${this.#port}`));
      const side = sides[index] ?? 'left';
      const options = ['-h', address.hostname, '-p', address.port, '--player', 'alsa', '-s', 'pulse'];
      processes.push(
        this.#rig.children.start('snapclient', [...options, '--hostID', side, '--logsink', 'null'], {
          env: { ...process.env, ...this.#rig.cards.environmentOf(side) },
          stdio: 'ignore',
        }),
      );
    }
    return playersOf(this.#rig, networks, processes);
  }
}

function networksFor(profile: NetworkProfile, seed: string): VirtualNetwork[] {
  return sides.map((side) => new VirtualNetwork({ profile, seed: `${seed} ${side}`, clock: systemClock }));
}

function playersOf(
  { children }: Rig,
  networks: readonly VirtualNetwork[],
  processes: readonly ChildProcess[],
): Players {
  return {
    networks,
    processes,
    close: async () => {
      const ended = processes.filter(hasEnded).length;
      await Promise.all(processes.map((child) => children.end(child)));
      await Promise.all(networks.map((network) => network.close()));
      if (ended > 0) throw new Error(`${ended} players ended before their time`);
    },
  };
}

/** Snapcast can't be asked which port it got, so it is given one that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
