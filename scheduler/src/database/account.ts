/**
 * As whom PostgreSQL runs, and where. It refuses to run as root, so a platform started by root (a container, most
 * often) runs it as `postgres`, which must be able to enter the folders of the binaries and of the data.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LoaLangError } from '@loalang/shared';

const run = promisify(execFile);

/** Null: the platform's own account. */
export type Account = { readonly uid: number; readonly gid: number } | null;

/** Where a root platform keeps the database whose data folder lies where nobody else may enter, as below /root. */
export const FOLDER_OF_ROOT = '/var/lib/loalang';
const ACCOUNT_NAME = 'postgres';

/**
 * The account for the server: the caller's; or for root the owner of the files that are there (made before by another
 * user's start), else `postgres`, added to the system where there is none.
 */
export async function findAccount(dataFolder: string): Promise<Account> {
  if (process.getuid?.() !== 0) return null;
  const files = await stat(join(dataFolder, 'postgres', 'cluster')).catch(() => null);
  if (files !== null && files.uid !== 0) return { uid: files.uid, gid: files.gid };
  return (await lookUp()) ?? (await addAccount());
}

async function addAccount(): Promise<Account> {
  const flags = [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    ACCOUNT_NAME,
  ];
  const failure = await run('useradd', flags).then(
    () => null,
    (error: unknown) => error,
  );
  const made = await lookUp();
  if (made !== null) return made;
  const detail = `PostgreSQL does not run as root, and no account "${ACCOUNT_NAME}" could be made. Make one, or start Loa Làng as another user`;
  throw new LoaLangError('DATABASE_FAILED', { detail }, { cause: failure });
}

async function lookUp(): Promise<Account> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', ACCOUNT_NAME]), run('id', ['-g', ACCOUNT_NAME])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

/** Tells whether the account may enter a folder (all folders above it, and lists of access, count too). */
export async function canEnter(account: Account, folder: string): Promise<boolean> {
  if (account === null) return true;
  return await run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

/**
 * The folder of the database, made where it is missing: `postgres` in the data folder; or, where the account can't get
 * there, one of its own below /var/lib/loalang to which `postgres` is a link. Of the folders on the way only the data
 * folder is ours, so only that one is opened for passing through.
 */
export async function placeDatabase(dataFolder: string, account: Account): Promise<string> {
  const folder = join(dataFolder, 'postgres');
  await mkdir(dataFolder, { recursive: true });
  if (await stat(folder).catch(() => null)) {
    const place = await realpath(folder);
    if (await letThrough(account, [dataFolder, place])) return place;
    const detail = `${place} lies where the account of the database can not enter. Move the data folder, or start Loa Làng as another user`;
    throw new LoaLangError('DATABASE_FAILED', { detail });
  }
  if (await letThrough(account, [dataFolder])) {
    await mkdir(folder, { mode: 0o711 });
    return await realpath(folder);
  }
  await mkdir(FOLDER_OF_ROOT, { recursive: true, mode: 0o755 });
  const elsewhere = await mkdtemp(join(FOLDER_OF_ROOT, 'database-'));
  await chmod(elsewhere, 0o711);
  await symlink(elsewhere, folder);
  return elsewhere;
}

/** Tells whether the account can enter the last of our folders, opening them for passing through where it must. */
async function letThrough(account: Account, folders: readonly string[]): Promise<boolean> {
  const last = folders.at(-1) ?? '/';
  for (const folder of folders) {
    if (await canEnter(account, last)) return true;
    await chmod(folder, (await stat(folder)).mode | 0o111);
  }
  return await canEnter(account, last);
}
