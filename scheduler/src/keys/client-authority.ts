import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaTime } from '@loalang/shared';
import {
  makeClientAuthority,
  readClientAuthority,
  writeClientAuthority,
  type ClientAuthority,
} from '@loalang/shared/signing';
import { writeFileAtomically } from './atomic-file.ts';

/**
 * `clients.pem` in the folder of keys: it signs client certificates, by which brokers that are not ours know receivers and
 * platform. Whoever has it can sign in at such a broker, and make nothing sound. Null where there is none: then nobody gets
 * a certificate, and our own broker needs none.
 */
export async function loadClientAuthority(folder: string): Promise<ClientAuthority | null> {
  try {
    return readClientAuthority(await readFile(join(folder, FILE), 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** The one that is there, or a new one, for processes that start from now on. */
export async function ensureClientAuthority(folder: string, now: MediaTime): Promise<ClientAuthority> {
  const known = await loadClientAuthority(folder);
  if (known !== null) return known;
  const authority = makeClientAuthority(now);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileAtomically(join(folder, FILE), writeClientAuthority(authority));
  return authority;
}

const FILE = 'clients.pem';
