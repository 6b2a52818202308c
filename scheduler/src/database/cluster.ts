/** Makes the database's folder of files (`initdb`), so that an interrupted attempt is never taken for a finished one. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Account } from './account.ts';
import { binaryEnvironment, type Binaries } from './binaries.ts';
import { databaseFailed } from './failure.ts';

export const DATABASE_USER = 'loalang';
const INITDB_LIMIT_MS = 120_000;

export interface ClusterPlace {
  readonly folder: string;
  readonly libraries: string;
  readonly binaries: Binaries;
  readonly account: Account;
}

/** Returns the password of the database's one account, making the cluster first where there is none. */
export async function ensureCluster(place: ClusterPlace): Promise<string> {
  const cluster = join(place.folder, 'cluster');
  const passwordPath = join(place.folder, 'password');
  if (await stat(cluster).catch(() => null)) {
    return (await readFile(passwordPath, 'utf8')).trim();
  }
  const password = randomBytes(24).toString('base64url');
  await writeSynced(passwordPath, password);
  await initialise(place, password, `${cluster}.new`);
  await rename(`${cluster}.new`, cluster);
  await syncFolder(place.folder);
  return password;
}

/** initdb syncs all that it writes; the rename after it makes the cluster exist whole or not at all. */
async function initialise(place: ClusterPlace, password: string, draft: string): Promise<void> {
  const passwordFile = join(place.folder, 'password.new');
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (place.account !== null) {
    await chown(draft, place.account.uid, place.account.gid);
    await chown(passwordFile, place.account.uid, place.account.gid);
  }
  try {
    await promisify(execFile)(place.binaries.initdb, initdbFlags(draft, passwordFile), {
      ...place.account,
      cwd: place.folder,
      env: binaryEnvironment(place.binaries, place.libraries),
      timeout: INITDB_LIMIT_MS,
      killSignal: 'SIGKILL',
    });
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw databaseFailed(error, place.folder);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** The builtin C.UTF-8 orders by code point and folds the case of Vietnamese letters the same on every machine. */
function initdbFlags(draft: string, passwordFile: string): string[] {
  return [
    `--pgdata=${draft}`,
    `--username=${DATABASE_USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
}

async function writeSynced(path: string, text: string): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
