import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, copyFileSync, openSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const readySchema = z.looseObject({ type: z.literal('ready'), port: z.number().optional() });
export type Ready = z.infer<typeof readySchema>;

const root = fileURLToPath(new URL('..', import.meta.url));
const READY_WITHIN_MS = 60_000;
/** Ctrl-C must end everything within 5 s; what hangs longer than this is killed. */
const CLOSE_WITHIN_MS = 4_000;
const RESTART_AFTER_MS = 1_000;
/** A process that died this often within the span is broken, not unlucky. */
const MAX_DEATHS = 5;
const DEATHS_WITHIN_MS = 60_000;
const MAX_LOG_BYTES = 20 * 1024 * 1024;
const ROTATE_EVERY_MS = 60_000;

export interface Program {
  readonly name: string;
  /** Path of its main file below the project's root. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
  /** Says on which port to listen, 0 for any. Started again, it gets the one that it had: others know it by that. */
  readonly portVariable?: string | undefined;
}

/**
 * One deployable as a child: started, restarted when it dies, ended in good time. Its output goes to a log file. It runs in
 * a process group of its own, so that Ctrl-C reaches only the parent, which ends the children in order; should the
 * parent be killed, the child sees its channel close and ends by itself.
 */
export class ManagedProcess {
  readonly #program: Program;
  readonly #logFolder: string;
  readonly #onBroken: (name: string) => void;
  #child: ChildProcess | null = null;
  #isClosing = false;
  #restart: NodeJS.Timeout | null = null;
  #rotation: NodeJS.Timeout | null = null;
  readonly #deaths: number[] = [];
  #portSetting: Record<string, string> = {};

  constructor(program: Program, logFolder: string, onBroken: (name: string) => void) {
    this.#program = program;
    this.#logFolder = logFolder;
    this.#onBroken = onBroken;
  }

  get logFile(): string {
    return join(this.#logFolder, `${this.#program.name}.log`);
  }

  /** Starts it and waits for its word that it is up. Rejects with what it said instead. */
  async start(): Promise<Ready> {
    this.#rotation ??= setInterval(() => rotate(this.logFile), ROTATE_EVERY_MS);
    const child = this.#fork();
    this.#child = child;
    const ready = await waitForReady(child, this.#program.name);
    const { portVariable } = this.#program;
    if (portVariable !== undefined && ready.port !== undefined) {
      this.#portSetting = { [portVariable]: String(ready.port) };
    }
    child.once('exit', () => this.#died());
    if (child.exitCode !== null) this.#died();
    return ready;
  }

  /** Ends it: asks, waits, kills. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    if (this.#rotation !== null) clearInterval(this.#rotation);
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_WITHIN_MS);
    await ended;
    clearTimeout(timer);
  }

  #fork(): ChildProcess {
    const log = openSync(this.logFile, 'a');
    try {
      return fork(join(root, this.#program.main), {
        execArgv: ['--import', 'tsx'],
        cwd: root,
        env: { ...process.env, ...this.#program.env, ...this.#portSetting },
        stdio: ['ignore', log, log, 'ipc'],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
  }

  #died(): void {
    if (this.#isClosing) return;
    const now = performance.now();
    this.#deaths.push(now);
    if (this.#deaths.filter((at) => now - at < DEATHS_WITHIN_MS).length >= MAX_DEATHS) {
      this.#onBroken(this.#program.name);
      return;
    }
    this.#deaths.splice(0, this.#deaths.length - MAX_DEATHS);
    this.#restart = setTimeout(() => {
      this.start().catch(() => this.#died());
    }, RESTART_AFTER_MS);
  }
}

/** A child that can't start says why in an IPC message `{type: 'failed', message}` before it ends. */
const failedSchema = z.object({ type: z.literal('failed'), message: z.string() });

async function waitForReady(child: ChildProcess, name: string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => fail(`did not start within ${READY_WITHIN_MS / 1000} s`), READY_WITHIN_MS);
    const onExit = (): void => fail(said === '' ? 'ended while starting' : said);
    const onMessage = (message: unknown): void => {
      const failed = failedSchema.safeParse(message);
      if (failed.success) said = failed.data.message;
      const ready = readySchema.safeParse(message);
      if (!ready.success) return;
      release();
      resolve(ready.data);
    };
    const fail = (reason: string): void => {
      release();
      child.kill('SIGKILL');
      reject(new Error(`${name}: ${reason}`));
    };
    const release = (): void => {
      clearTimeout(timer);
      child.off('exit', onExit);
      child.off('message', onMessage);
    };
    child.once('exit', onExit);
    child.on('message', onMessage);
  });
}

/** Keeps a log and the one before it. Its program goes on writing into the same file, which is open for appending. */
export function rotate(file: string, maxBytes = MAX_LOG_BYTES): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= maxBytes) return;
  const before = `${file}.1`;
  try {
    copyFileSync(file, before);
  } catch {
    // A disk that is full takes no second log: then the room is worth more.
    rmSync(before, { force: true });
  }
  truncateSync(file, 0);
}
