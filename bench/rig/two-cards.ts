import { spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Children } from './children.ts';

export const SAMPLE_RATE = 48_000;
const DEADLINE_MS = 20_000;
const BYTES_A_FRAME = 4;

export type Side = 'left' | 'right';
export const sides: readonly Side[] = ['left', 'right'];

export interface Pair {
  readonly left: Float32Array;
  readonly right: Float32Array;
}

/**
 * Two sound cards that one recording hears: a PulseAudio of its own whose null sink has two channels, with a sink of one
 * channel on each. The channels share one clock, so what is between them in the recording is what is between the players.
 */
export class TwoCards {
  readonly #children: Children;
  readonly #folder: string;
  #recorder: ChildProcess | null = null;
  #recordings = 0;

  constructor(children: Children, folder: string) {
    this.#children = children;
    this.#folder = folder;
  }

  async start(): Promise<void> {
    const side = (name: Side): string =>
      `module-remap-sink sink_name=${name} master=card channels=1 channel_map=mono master_channel_map=front-${name} remix=no`;
    const modules = [
      `module-native-protocol-unix socket=${this.#socket} auth-anonymous=1`,
      'module-null-sink sink_name=card rate=48000 channels=2 channel_map=front-left,front-right norewinds=1',
      ...sides.map(side),
    ].flatMap((module) => ['-L', module]);
    const options = ['-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1'];
    favour(
      this.#children.start('pulseaudio', [...options, ...modules], {
        env: { ...process.env, ...this.#home },
        stdio: 'ignore',
      }),
    );
    await until('the sound server', () => existsSync(this.#socket));
  }

  /** What a program needs in its environment to play into one of the cards. */
  environmentOf(sink: Side | 'card'): Record<string, string> {
    return { ...this.#home, PULSE_SERVER: `unix:${this.#socket}`, PULSE_SINK: sink };
  }

  /** Records both from now on. */
  async record(): Promise<void> {
    this.#recordings += 1;
    const file = openSync(this.#file, 'w');
    const format = ['--raw', '--format=s16le', `--rate=${SAMPLE_RATE}`, '--channels=2', '--latency-msec=20'];
    this.#recorder = this.#children.start('parec', ['-d', 'card.monitor', ...format], {
      env: { ...process.env, ...this.environmentOf('card') },
      stdio: ['ignore', file, 'ignore'],
    });
    closeSync(file);
    favour(this.#recorder);
    await until('the recording', () => this.recordedS > 0);
  }

  /** How long the recording is by now. */
  get recordedS(): number {
    return statSync(this.#file).size / BYTES_A_FRAME / SAMPLE_RATE;
  }

  /** Ends the recording and gives it from a second on. */
  async take(fromS: number): Promise<Pair> {
    if (this.#recorder !== null) await this.#children.end(this.#recorder);
    this.#recorder = null;
    const bytes = readFileSync(this.#file);
    const from = Math.floor(fromS * SAMPLE_RATE);
    const count = Math.max(0, Math.floor(bytes.length / BYTES_A_FRAME) - from);
    const channel = (index: number): Float32Array =>
      Float32Array.from(
        { length: count },
        (_, i) => bytes.readInt16LE((from + i) * BYTES_A_FRAME + 2 * index) / 32_768,
      );
    return { left: channel(0), right: channel(1) };
  }

  get #socket(): string {
    return join(this.#folder, 'socket');
  }

  get #file(): string {
    return join(this.#folder, `recording-${this.#recordings}`);
  }

  get #home(): Record<string, string> {
    return { HOME: this.#folder, XDG_RUNTIME_DIR: this.#folder };
  }
}

export async function until(
  what: string,
  holds: () => boolean,
  withinMs: number = DEADLINE_MS,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await sleep(20);
  }
}

/** Above any priority that a player asks for. */
const CARD_PRIORITY = '60';

/**
 * A card does not wait for other programs; one made of a program should not either, where the system allows it. Only root
 * may: without it the cards of a busy machine have gaps of their own and tell wrong delays, for both players alike.
 */
function favour({ pid }: ChildProcess): void {
  const args = ['--fifo', '--all-tasks', '--pid', CARD_PRIORITY, String(pid)];
  if (pid === undefined || spawnSync('chrt', args).status === 0) return;
  console.error('the virtual cards get no real-time priority: on a busy machine they have gaps of their own');
}
