/**
 * One embedded PostgreSQL process. It listens on 127.0.0.1 only, at a free port. A shell between us and the server waits for
 * the end of a pipe that only we hold: when this process dies, however it dies, the server is told to shut down. Being in
 * a session of its own, it does not hear the Ctrl-C that ends us; it ends when we have finished with it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { binaryEnvironment } from './binaries.ts';
import { DATABASE_USER, type ClusterPlace } from './cluster.ts';
import { databaseFailed } from './failure.ts';
import { endOrphan, endServer, runningServer } from './orphan.ts';

export interface ServerOptions extends ClusterPlace {
  readonly password: string;
  /** Settings beside the defaults; tests turn fsync off. */
  readonly settings: Readonly<Record<string, string>>;
  readonly log: Logger;
}

export interface Server {
  /** The address of a database of this server. */
  url(database: string): string;
  /** Ends the server; it is gone when this resolves. */
  close(): Promise<void>;
}

const WATCH =
  'exec 3<&0; "$@" & s=$!; (read -r _ <&3; kill -INT $s) & w=$!; wait $s; c=$?; kill -9 $w 2>/dev/null; exit $c';
/** After a crash the server replays its log before it is ready. */
const START_LIMIT_MS = 120_000;
const START_ATTEMPTS = 5;
const RETRY_PAUSE_MS = 500;
/** All of the platform has 5 s to end; from an immediate shutdown the server recovers at its next start. */
const STOP_LIMIT_MS = 3_000;
const RETURN_PAUSE_MS = 1_000;
const KEPT_LINES = 40;
/** Another program took the port between our asking and the bind; or backends of a killed server still end. */
const passing =
  /address already in use|could not bind|shared memory block .* still in use|lock file .* already exists/i;

/** Starts a server in a made cluster, and again whenever it ends by itself. Throws DATABASE_FAILED. */
export async function startServer(options: ServerOptions): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const running = launch(options, port);
    const failure = await untilReady(running);
    if (failure === null) return new Supervised(options, port, running.process);
    if (attempt >= START_ATTEMPTS || !passing.test(failure)) {
      throw databaseFailed(new Error(failure), options.folder);
    }
    await delay(RETRY_PAUSE_MS);
  }
}

interface Running {
  readonly process: ChildProcess;
  /** The last lines that the server said. */
  readonly said: string[];
  readonly isReady: Promise<boolean>;
}

function launch(options: ServerOptions, port: number): Running {
  const command = [options.binaries.postgres, '-D', join(options.folder, 'cluster'), '-p', String(port)];
  const flags = Object.entries(settingsOf(options)).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const process = spawn('/bin/sh', ['-c', WATCH, 'sh', ...command, ...flags], {
    ...options.account,
    cwd: options.folder,
    env: binaryEnvironment(options.binaries, options.libraries),
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  const said: string[] = [];
  const isReady = new Promise<boolean>((resolve) => {
    const lines = process.stderr ? createInterface({ input: process.stderr }) : null;
    lines?.on('line', (line) => {
      said.push(line);
      if (said.length > KEPT_LINES) said.shift();
      options.log.debug({ line }, 'postgres');
      if (line.includes('ready to accept connections')) resolve(true);
    });
    process.once('close', () => resolve(false));
    process.once('error', (error) => {
      said.push(`FATAL: ${error.message}`);
      resolve(false);
    });
  });
  return { process, said, isReady };
}

function settingsOf(options: ServerOptions): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '60',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    log_checkpoints: 'off',
    ...options.settings,
  };
}

/** Null when the server answers, else what it said. */
async function untilReady(running: Running): Promise<string | null> {
  const limit = new AbortController();
  const late = delay(START_LIMIT_MS, 'late' as const, { signal: limit.signal }).catch(() => 'late' as const);
  const outcome = await Promise.race([running.isReady, late]);
  limit.abort();
  if (outcome === true) return null;
  if (outcome === 'late') running.process.stdin?.end();
  return outcome === 'late'
    ? `FATAL: it was not ready within ${START_LIMIT_MS / 1000} s`
    : running.said.join('\n');
}

/** A running server. One that was killed (out of memory, most likely) comes back at the same port. */
class Supervised implements Server {
  readonly #options: ServerOptions;
  readonly #port: number;
  readonly #closed = new AbortController();
  #process: ChildProcess;
  #returning: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(options: ServerOptions, port: number, process: ChildProcess) {
    this.#options = options;
    this.#port = port;
    this.#process = process;
    this.#watch();
  }

  url(database: string): string {
    return `postgres://${DATABASE_USER}:${this.#options.password}@127.0.0.1:${this.#port}/${database}`;
  }

  async close(): Promise<void> {
    await (this.#closing ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#closed.abort();
    await this.#returning;
    await stop(this.#process, join(this.#options.folder, 'cluster'));
  }

  #watch(): void {
    const onExit = (code: number | null): void => {
      if (this.#closed.signal.aborted) return;
      this.#options.log.error({ code }, 'the database server ended by itself; starting it again');
      this.#returning = this.#bringBack();
    };
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      this.#process.once('exit', onExit);
    else onExit(this.#process.exitCode);
  }

  async #bringBack(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      // Where only the shell was killed, the server itself still runs.
      await endOrphan(join(this.#options.folder, 'cluster')).catch(() => false);
      const running = launch(this.#options, this.#port);
      this.#process = running.process;
      const failure = await untilReady(running);
      if (failure === null) {
        this.#watch();
        return;
      }
      this.#options.log.error({ failure }, 'the database server does not start');
      await delay(RETURN_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function stop(process: ChildProcess, cluster: string): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = once(process, 'exit');
  const pid = await runningServer(cluster);
  process.stdin?.end();
  if (pid !== null) await endServer(pid, STOP_LIMIT_MS);
  await ended;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
