// For tests only: a PulseAudio of its own with a null sink, which has a clock, a delay and underruns as a card has, and a
// recording of what it plays. Debian: pulseaudio, libasound2-plugins.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../clock/monotonic.ts';

const SAMPLE_RATE = 48_000;
// A machine that is busy with other tests is slow, not wrong.
const DEADLINE_MS = 60_000;
// Two minutes: a test that runs longer has lost its way.
const MAX_SAMPLES = 120 * SAMPLE_RATE;

export class PulseRig {
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #recorded = new Float32Array(MAX_SAMPLES);
  #samples = 0;
  #odd: Buffer = Buffer.alloc(0);
  #startUs = Infinity;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<PulseRig> {
    const rig = new PulseRig(await mkdtemp(join(tmpdir(), 'loalang-pulse-')));
    // Read by ALSA's plugin in this process, and by the recorder.
    process.env['PULSE_SERVER'] = `unix:${rig.#socket}`;
    return rig;
  }

  get #socket(): string {
    return join(this.#folder, 'socket');
  }

  /** Starts the server with its card. */
  async startServer(): Promise<void> {
    await rm(this.#socket, { force: true });
    const modules = [
      `module-native-protocol-unix socket=${this.#socket} auth-anonymous=1`,
      'module-null-sink sink_name=card rate=48000 channels=1 norewinds=1',
    ].flatMap((module) => ['-L', module]);
    // Left alone by a test that was killed, it ends by itself.
    const options = ['-n', '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=20'];
    this.#spawn('pulseaudio', [...options, ...modules], 'ignore');
    await this.until('the server', () => existsSync(this.#socket));
  }

  /** Ends everything that runs: the card is pulled out. */
  async stop(): Promise<void> {
    const running = this.#children
      .splice(0)
      .filter(({ exitCode, signalCode }) => (exitCode ?? signalCode) === null);
    const ended = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(ended);
  }

  /** Records from now on. It also makes the card work in small blocks: an idle null sink takes two seconds at once. */
  async record(): Promise<void> {
    this.#samples = 0;
    this.#odd = Buffer.alloc(0);
    this.#startUs = Infinity;
    const format = ['--raw', '--format=s16le', '--rate=48000', '--channels=1', '--latency-msec=10'];
    const recorder = this.#spawn('parec', ['-d', 'card.monitor', ...format], 'pipe');
    recorder.stdout?.on('data', (bytes: Buffer) => this.#take(bytes));
    await this.until('the recording', () => this.#samples > 0);
  }

  /** Monotonic time of the first sample: as the fastest of all deliveries tells it. */
  get startUs(): number {
    return this.#startUs;
  }

  get recorded(): Float32Array {
    return this.#recorded.subarray(0, this.#samples);
  }

  /** Resolves when the recording has come to a monotonic moment. */
  async recordedUntil(us: number): Promise<void> {
    await this.until('recorded', () => this.#startUs + this.#samples / 0.048 > us);
  }

  async until(what: string, isDone: () => boolean): Promise<void> {
    const untilUs = systemClock.nowUs() + DEADLINE_MS * 1_000;
    while (!isDone()) {
      if (systemClock.nowUs() > untilUs) throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
      await new Promise<void>((resolve) => systemClock.after(10, resolve));
    }
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #spawn(command: string, args: string[], stdout: 'pipe' | 'ignore'): ChildProcess {
    const env = { ...process.env, HOME: this.#folder, XDG_RUNTIME_DIR: this.#folder };
    const child = spawn(command, args, { env, stdio: ['ignore', stdout, 'ignore'] });
    this.#children.push(child);
    favour(child);
    return child;
  }

  #take(bytes: Buffer): void {
    const all = this.#odd.length === 0 ? bytes : Buffer.concat([this.#odd, bytes]);
    const count = Math.min(Math.floor(all.length / 2), MAX_SAMPLES - this.#samples);
    for (let index = 0; index < count; index += 1) {
      this.#recorded[this.#samples + index] = all.readInt16LE(index * 2) / 32_768;
    }
    this.#odd = all.subarray(count * 2);
    this.#samples += count;
    this.#startUs = Math.min(this.#startUs, systemClock.nowUs() - this.#samples / 0.048);
  }
}

/** A card does not wait for other programs; one made of a program should not either, where the system allows it. */
function favour({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, -19);
  } catch {
    // Only root may. On a busy machine the card then has gaps of its own.
  }
}
