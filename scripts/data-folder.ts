import { LoaLangError } from '@loalang/shared';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, realpathSync, statfsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

const MIN_FREE_BYTES = 300 * 1024 * 1024;

/** A claim on a data folder that lasts as long as the process: nothing is left behind, whatever kills it. */
export interface Claim {
  readonly folder: string;
  close(): void;
}

/**
 * Claims a data folder for this process. Throws DATA_LOCKED where another has it, DISK_FULL where there is no room to
 * work in, CONFIGURATION_INVALID where it can't be written to.
 */
export async function claimDataFolder(path: string): Promise<Claim> {
  const folder = prepare(path);
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < MIN_FREE_BYTES) throw new LoaLangError('DISK_FULL');
  const server = await lock(folder);
  return { folder, close: () => server.close() };
}

function prepare(path: string): string {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
    return realpathSync(path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LoaLangError('CONFIGURATION_INVALID', { variable: 'LOALANG_DATA', detail }, { cause: error });
  }
}

/** An abstract Unix socket named after the folder: the kernel frees it with its process, so no stale lock can stay. */
async function lock(folder: string): Promise<Server> {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new LoaLangError('DATA_LOCKED', { folder }, { cause })));
    server.listen(`\0loalang-${name}`, () => resolve(server.unref()));
  });
}

/**
 * Tries to listen. Throws PORT_TAKEN where the port is in use, CONFIGURATION_INVALID where it can't be had for another
 * reason (no such address, no right to it), with the variables that say otherwise.
 */
export async function checkAddress(
  { host, port }: { host: string; port: number },
  names: { host: string; port: string },
): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
      throw new LoaLangError('PORT_TAKEN', { port, variable: names.port }, { cause });
    }
    const variable = `${names.host}, ${names.port}`;
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new LoaLangError('CONFIGURATION_INVALID', { variable, detail }, { cause });
  } finally {
    server.close();
  }
}

/** The address of a server for a browser on this machine. */
export function urlOf(host: string, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const name = host.includes(':') ? `[${host}]` : host;
  return `http://${isAny ? 'localhost' : name}:${port}`;
}
