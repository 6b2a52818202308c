import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const END_WITHIN_MS = 5_000;

/** The programs that a benchmark starts. They end with it, however it ends. */
export class Children {
  readonly #running = new Set<ChildProcess>();

  /** Starts a program, which the kernel ends when this process is gone. */
  start(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.#keep(spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], options));
  }

  /** Starts one of our processes as it is started in service, and waits until it is ready. */
  async startOurs(main: string, env: Readonly<Record<string, string>>): Promise<Ours> {
    const options: SpawnOptions = {
      cwd: ROOT,
      env: { ...process.env, LOALANG_LOG_LEVEL: 'error', ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    };
    const loader = main.endsWith('.ts') ? ['--import', 'tsx'] : [];
    const child = this.#keep(spawn(process.execPath, [...loader, main], options));
    const ready = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => null)]);
    if (ready === null) throw new Error(`${main} ended while it was starting`);
    return { child, ready: ready[0] };
  }

  async end(child: ChildProcess): Promise<void> {
    if (hasEnded(child)) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const deadline = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
    await exited;
    clearTimeout(deadline);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].toReversed().map((child) => this.end(child)));
  }

  #keep(child: ChildProcess): ChildProcess {
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }
}

export interface Ours {
  readonly child: ChildProcess;
  /** What it said when it was ready. */
  readonly ready: unknown;
}

export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return (exitCode ?? signalCode) !== null;
}
