import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const START_WITHIN_MS = 120_000;

export interface System {
  readonly url: string;
  readonly signInUrl: string | null;
  /** Where the broker tells what it counts. */
  readonly metricsUrl: string;
  readonly data: string;
  readonly process: ChildProcess;
  /** Everything that the screen has shown. */
  readonly screen: () => string;
  /** Ctrl-C; resolves with the exit code. The data folder stays. */
  interrupt(): Promise<number | null>;
  /** Ctrl-C, and the data folder is removed. */
  close(): Promise<void>;
}

/** Starts everything as `npm start` does, on free ports and a data folder of its own, and waits for its screen. */
export async function startSystem(
  options: { data?: string; env?: Record<string, string> } = {},
): Promise<System> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'loalang-')));
  const env = { LOALANG_DATA: data, LOALANG_HTTP_PORT: '0', LOALANG_BROKER_PORT: '0', ...options.env };
  const child = spawn(process.execPath, ['scripts/start.mjs'], {
    cwd: root,
    env: { ...process.env, ...env },
  });
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const interrupt = async (): Promise<number | null> => {
    child.kill('SIGINT');
    return exited;
  };
  await waitForScreen(child, () => shown);
  return {
    url: /console\s+(http\S+)/.exec(shown)?.[1] ?? '',
    metricsUrl: /its health\s+(\S+)/.exec(shown)?.[1] ?? '',
    signInUrl: /sign in once\s+(\S+)/.exec(shown)?.[1] ?? null,
    data,
    process: child,
    screen: () => shown,
    interrupt,
    close: async () => {
      await interrupt();
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function waitForScreen(child: ChildProcess, shown: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      child.stdout?.off('data', look);
      child.off('exit', onExit);
      if (error === undefined) resolve();
      else reject(error);
    };
    const look = (): void => {
      if (shown().includes('Ctrl-C stops everything')) settle();
    };
    const onExit = (): void => settle(new Error(`the system ended while starting:\n${shown()}`));
    const timer = setTimeout(() => settle(new Error(`no screen in time:\n${shown()}`)), START_WITHIN_MS);
    child.stdout?.on('data', look);
    child.once('exit', onExit);
    look();
  });
}

/** The process of a running system whose main file that is. */
export function processOf(system: System, main: string): number {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      const isIt = readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(main);
      if (isIt && parent === system.process.pid) return Number(entry);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`no process of ${main}`);
}
