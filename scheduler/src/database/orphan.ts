/** A server that outlived the platform which started it (kill -9) is ended before a new one starts in its folder. */
import { execFile } from 'node:child_process';
import { readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { LoaLangError } from '@loalang/shared';
import { isAlive } from './owner.ts';

/** A fast shutdown writes a checkpoint; on a slow card this may take long. After it, SIGQUIT: the log is replayed. */
const FAST_SHUTDOWN_MS = 30_000;
const QUICK_SHUTDOWN_MS = 5_000;
const POLL_MS = 20;

/** The number of the server process that runs in this cluster, or null. */
export async function runningServer(cluster: string): Promise<number | null> {
  const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return null;
  return (await isServerOf(pid, cluster)) ? pid : null;
}

/** Ends what still runs in the cluster and clears the mark of a process that is none. */
export async function endOrphan(cluster: string): Promise<boolean> {
  const pid = await runningServer(cluster);
  if (pid === null) {
    await clearForeignMark(cluster);
    return false;
  }
  await endServer(pid);
  return true;
}

/** Ends a server: first a fast shutdown, then an immediate one, from which it recovers at its next start. */
export async function endServer(pid: number, fastShutdownMs = FAST_SHUTDOWN_MS): Promise<void> {
  if (await signalAndWait(pid, 'SIGINT', fastShutdownMs)) return;
  if (await signalAndWait(pid, 'SIGQUIT', QUICK_SHUTDOWN_MS)) return;
  throw new LoaLangError('DATABASE_FAILED', {
    detail: `an old server (process ${pid}) does not end; end it`,
  });
}

async function signalAndWait(pid: number, signal: NodeJS.Signals, limitMs: number): Promise<boolean> {
  if (!send(pid, signal)) return true;
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += POLL_MS) {
    if (!isAlive(pid)) return true;
    await delay(POLL_MS);
  }
  return false;
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** The server works in its cluster's folder, so that its number can't be mistaken for that of another program. */
async function isServerOf(pid: number, cluster: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    return name.trim() === 'postgres' && folder === cluster;
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }));
  return stdout.includes('postgres') && stdout.includes(cluster);
}

/**
 * After a restart of the machine the number in the mark may be that of another program; PostgreSQL would then refuse to
 * start. A mark of a dead process is left to PostgreSQL, which also looks for backends that survived.
 */
async function clearForeignMark(cluster: string): Promise<void> {
  const path = join(cluster, 'postmaster.pid');
  const pid = Number((await readFile(path, 'utf8').catch(() => '')).split('\n')[0]);
  if (Number.isInteger(pid) && pid > 1 && isAlive(pid)) await rm(path, { force: true });
}
