/**
 * One platform a data folder. The mark says which process owns the database, so that a second start does not take the
 * server of a living platform for the orphan of a killed one.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LoaLangError } from '@loalang/shared';
import { z } from 'zod';

const markSchema = z.object({ pid: z.number().int(), startedAt: z.string() });

/** Writes the mark. Throws DATA_LOCKED where the process of another mark still lives. */
export async function takeFolder(folder: string, named: string): Promise<void> {
  const path = join(folder, 'owner.json');
  const mark = JSON.stringify({ pid: process.pid, startedAt: await startOf(process.pid) });
  for (let attempt = 0; attempt < 2; attempt++) {
    const isTaken = await writeFile(path, mark, { flag: 'wx', mode: 0o600 }).then(
      () => true,
      (error: unknown) => {
        if (isCode(error, 'EEXIST')) return false;
        throw error;
      },
    );
    if (isTaken) return;
    if (await isOwned(path)) break;
    await rm(path, { force: true });
  }
  throw new LoaLangError('DATA_LOCKED', { folder: named });
}

/** Removes the mark. */
export async function leaveFolder(folder: string): Promise<void> {
  await rm(join(folder, 'owner.json'), { force: true });
}

async function isOwned(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const mark = markSchema.safeParse(parseJson(text));
  if (!mark.success || !isAlive(mark.data.pid)) return false;
  return (await startOf(mark.data.pid)) === mark.data.startedAt;
}

/** A process number is used again after a restart; with the moment of its start (in ticks since boot) it is unique. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${bootId.trim()} ${fields[19] ?? ''}`;
}

/** Tells whether a process of that number runs, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
