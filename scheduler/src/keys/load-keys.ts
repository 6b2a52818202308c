/**
 * The platform's keys, in `<data>/keys`: the root, and a key with the root's certificate for each purpose. Made by the
 * first start, renewed at a start that finds a certificate near its end. An old certificate stays valid to its own end:
 * what was signed by it goes on being believed.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addMs, compactJwsSchema, type MediaTime } from '@loalang/shared';
import {
  certify,
  generateSigningKey,
  keyPurposes,
  readSigningKey,
  writeSigningKey,
  type KeyPurpose,
  type SigningKey,
} from '@loalang/shared/signing';
import { z } from 'zod';
import { writeFileAtomically } from './atomic-file.ts';

export interface PlatformKey {
  readonly key: SigningKey;
  /** The root's certificate for it: a JWS. */
  readonly certificate: string;
}

export type PlatformKeys = { readonly [purpose in KeyPurpose]: PlatformKey } & {
  /** Raw public key, base64url: what receivers pin. */
  readonly rootPublic: string;
};

const DAY_MS = 86_400_000;
/** For so long a key signs. */
const SIGNING_DAYS = 90;
const RENEW_BEFORE_DAYS = 30;
/**
 * How long beyond its last signature a certificate is needed: a receiver's credential lives for a year and is checked
 * against the certificate embedded in it.
 */
const OUTLIVED_BY_DAYS: Record<KeyPurpose, number> = { plan: 0, air: 0, time: 0, credential: 366 };

const keyFileSchema = z.object({
  root: z.string(),
  privateKey: z.string(),
  certificate: compactJwsSchema,
  madeAt: z.number().int(),
});

const README = `These are the private keys of this Loa Lang platform.

root.pem       The root: every receiver believes what it certifies, for as long as the receiver stands.
               In service it does not belong here. Keep it offline (paper, smart card, a machine without network),
               bring it to this folder only to start the platform when a key below is due, then take it away again.
plan.json, air.json, time.json, credential.json
               Short-lived keys, each with the root's certificate for its one purpose. Renewed at start.

Whoever reads this folder can speak through every loudspeaker. Files are readable by the platform's account only.
`;

/** Reads all keys of the folder, and makes or renews those that are missing or due. */
export async function loadKeys(folder: string, now: MediaTime): Promise<PlatformKeys> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const root = await loadRoot(folder);
  const [plan, air, time, credential] = await Promise.all(
    keyPurposes.map(async (purpose) => await loadPurposeKey({ folder, root, purpose, now })),
  );
  if (!plan || !air || !time || !credential) throw new TypeError('a purpose without a key');
  return { rootPublic: root.public, plan, air, time, credential };
}

async function loadRoot(folder: string): Promise<SigningKey> {
  const path = join(folder, 'root.pem');
  const pem = await readIfThere(path);
  if (pem !== null) return readSigningKey(pem);
  const root = generateSigningKey();
  await writeFileAtomically(join(folder, 'README.txt'), README);
  await writeFileAtomically(path, writeSigningKey(root));
  return root;
}

interface PurposeKeyPlace {
  readonly folder: string;
  readonly root: SigningKey;
  readonly purpose: KeyPurpose;
  readonly now: MediaTime;
}

async function loadPurposeKey(place: PurposeKeyPlace): Promise<PlatformKey> {
  const path = join(place.folder, `${place.purpose}.json`);
  const text = await readIfThere(path);
  if (text !== null) {
    const file = keyFileSchema.parse(JSON.parse(text));
    const dueAt = file.madeAt + (SIGNING_DAYS - RENEW_BEFORE_DAYS) * DAY_MS * 1000;
    const isUsable = file.root === place.root.public && place.now < dueAt && file.madeAt <= place.now;
    if (isUsable) return { key: readSigningKey(file.privateKey), certificate: file.certificate };
  }
  return await makePurposeKey(path, place);
}

async function makePurposeKey(path: string, { root, purpose, now }: PurposeKeyPlace): Promise<PlatformKey> {
  const key = generateSigningKey();
  const days = SIGNING_DAYS + OUTLIVED_BY_DAYS[purpose];
  const certificate = await certify(root, {
    purpose,
    key: key.public,
    notBefore: now,
    expiresAt: addMs(now, days * DAY_MS),
  });
  const file = { root: root.public, privateKey: writeSigningKey(key), certificate, madeAt: now };
  await writeFileAtomically(path, `${JSON.stringify(file, null, 2)}\n`);
  return { key, certificate };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
