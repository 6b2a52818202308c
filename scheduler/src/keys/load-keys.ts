/**
 * The platform's keys, in `<data>/keys`: the root, and a key with the root's certificate for each purpose. Made by the
 * first start, renewed when a certificate is near its end. An old certificate stays valid to its own end:
 * what was signed by it goes on being believed.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addMs, compactJwsSchema, LoaLangError, mediaTimeSchema, type MediaTime } from '@loalang/shared';
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

/** A key that signs for one purpose. The object stays the same when the key is renewed: ask it at each signature. */
export interface PlatformKey {
  readonly key: SigningKey;
  /** The root's certificate for it: a JWS. */
  readonly certificate: string;
}

export type PlatformKeys = { readonly [purpose in KeyPurpose]: PlatformKey } & {
  /** Raw public key, base64url: what receivers pin. */
  readonly rootPublic: string;
  /** Renews what is due. Returns whether anything was: then everything has to be signed again. */
  renew(now: MediaTime): Promise<boolean>;
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
  /** Carried on from key to key, so that whoever missed one certificate learns it from the next. */
  retiresBefore: mediaTimeSchema.optional(),
});

const README = `These are the private keys of this Loa Lang platform.

root.pem       The root: every receiver believes what it certifies, for as long as the receiver stands.
               In service it does not belong here. Keep it offline (paper, smart card, a machine without network),
               bring it to this folder for an hour when the keys below are due (every 60 days), then take it away.
plan.json, air.json, time.json, credential.json
               Short-lived keys, each with the root's certificate for its one purpose. Renewed in their last 30 days,
               at start and while the platform runs, whenever the root is here. If one was stolen, see
               "When a key was stolen" in docs/operations.md.

Whoever reads this folder can speak through every loudspeaker. Files are readable by the platform's account only.
`;

/** Reads all keys of the folder, and makes or renews those that are missing or due. */
export async function loadKeys(folder: string, now: MediaTime): Promise<PlatformKeys> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return await makeRing(now, async (at) => await loadAll(folder, at, loadRoot));
}

/**
 * Reads all keys of the folder and makes none: for whoever signs beside the platform. Its `renew` takes over what the
 * platform has renewed. Throws CONFIGURATION_INVALID where a key is missing or has expired.
 */
export async function readKeys(folder: string, now: MediaTime): Promise<PlatformKeys> {
  return await makeRing(now, async (at) => await loadAll(folder, at, withholdRoot));
}

/**
 * Puts a new key in the place of each of these, with a certificate that retires all before it: for when one was stolen. Needs
 * the root. A platform and a time service that run take it over within a minute. Throws CONFIGURATION_INVALID where the
 * root isn't there, or is another.
 */
export async function retireKeys(
  folder: string,
  purposes: readonly KeyPurpose[],
  now: MediaTime,
): Promise<void> {
  const { signer } = await loadRoot(folder, (await readKeyFile(folder, 'credential'))?.root ?? null);
  if (signer === null) throw rootInvalid('only the root key can retire another; bring it back for a moment');
  for (const purpose of purposes) {
    const file = await readKeyFile(folder, purpose);
    // A clock that is behind that of the last key's maker must not leave that key believed.
    const at = file === null ? now : mediaTimeSchema.parse(Math.max(now, file.madeAt + 1));
    await makePurposeKey({ path: pathOf(folder, purpose), purpose, now: at }, signer, at);
  }
}

async function makeRing(
  now: MediaTime,
  load: (now: MediaTime) => ReturnType<typeof loadAll>,
): Promise<PlatformKeys> {
  const loaded = await load(now);
  const ring = new Map(loaded.keys.map(([purpose, key]) => [purpose, new RenewableKey(key)]));
  const of = (purpose: KeyPurpose): RenewableKey => {
    const key = ring.get(purpose);
    if (key === undefined) throw new TypeError(`no key for ${purpose}`);
    return key;
  };
  return {
    rootPublic: loaded.rootPublic,
    plan: of('plan'),
    air: of('air'),
    time: of('time'),
    credential: of('credential'),
    renew: async (at) => {
      const { keys } = await load(at);
      return keys.map(([purpose, key]) => of(purpose).replace(key)).some((isNew) => isNew);
    },
  };
}

class RenewableKey implements PlatformKey {
  #current: PlatformKey;

  constructor(current: PlatformKey) {
    this.#current = current;
  }
  get key(): SigningKey {
    return this.#current.key;
  }
  get certificate(): string {
    return this.#current.certificate;
  }
  replace(next: PlatformKey): boolean {
    const isNew = next.key.kid !== this.#current.key.kid;
    if (isNew) this.#current = next;
    return isNew;
  }
}

type KeyFile = z.infer<typeof keyFileSchema>;

async function loadAll(
  folder: string,
  now: MediaTime,
  rootOf: typeof loadRoot,
): Promise<{ rootPublic: string; keys: [KeyPurpose, PlatformKey][] }> {
  const files = new Map<KeyPurpose, KeyFile>();
  for (const purpose of keyPurposes) {
    const file = await readKeyFile(folder, purpose);
    if (file !== null) files.set(purpose, file);
  }
  const [known] = files.values();
  const root = await rootOf(folder, known?.root ?? null);
  const keys: [KeyPurpose, PlatformKey][] = [];
  for (const purpose of keyPurposes) {
    const file = files.get(purpose) ?? null;
    keys.push([purpose, await loadPurposeKey({ path: pathOf(folder, purpose), purpose, file, root, now })]);
  }
  return { rootPublic: root.public, keys };
}

/** The root's private part is null where it is kept elsewhere, as it should be. */
interface Root {
  readonly public: string;
  readonly signer: SigningKey | null;
}

/**
 * `known` is the root that has certified the keys of this folder; null on the first start, which makes one. Throws
 * CONFIGURATION_INVALID where the one that lies there is another.
 */
async function loadRoot(folder: string, known: string | null): Promise<Root> {
  const path = join(folder, 'root.pem');
  const pem = await readIfThere(path);
  if (pem === null && known !== null) return { public: known, signer: null };
  if (pem !== null) {
    const signer = readSigningKey(pem);
    if (known !== null && signer.public !== known) {
      throw rootInvalid('another root has certified the keys beside it; no receiver would believe this one');
    }
    return { public: signer.public, signer };
  }
  const signer = generateSigningKey();
  await writeFileAtomically(join(folder, 'README.txt'), README);
  await writeFileAtomically(path, writeSigningKey(signer));
  return { public: signer.public, signer };
}

/** As if the root were kept elsewhere. */
async function withholdRoot(_folder: string, known: string | null): Promise<Root> {
  return { public: known ?? '', signer: null };
}

interface PurposeKeyPlace {
  readonly path: string;
  readonly purpose: KeyPurpose;
  readonly file: KeyFile | null;
  readonly root: Root;
  readonly now: MediaTime;
}

async function loadPurposeKey(place: PurposeKeyPlace): Promise<PlatformKey> {
  const { file, root, purpose, now } = place;
  const daysLeft = file === null || file.root !== root.public ? 0 : daysLeftOf(file, now);
  const wantedDays = root.signer === null ? 0 : RENEW_BEFORE_DAYS;
  if (file !== null && daysLeft > wantedDays) {
    return { key: readSigningKey(file.privateKey), certificate: file.certificate };
  }
  if (root.signer !== null) return await makePurposeKey(place, root.signer, file?.retiresBefore);
  throw rootInvalid(`the ${purpose} key has expired or is missing; bring the root key back to renew it`);
}

function rootInvalid(detail: string): LoaLangError {
  return new LoaLangError('CONFIGURATION_INVALID', { variable: 'keys/root.pem', detail });
}

async function readKeyFile(folder: string, purpose: KeyPurpose): Promise<KeyFile | null> {
  const text = await readIfThere(pathOf(folder, purpose));
  return text === null ? null : keyFileSchema.parse(JSON.parse(text));
}

function daysLeftOf({ madeAt }: KeyFile, now: MediaTime): number {
  const ageDays = (now - madeAt) / 1000 / DAY_MS;
  // A clock that was ahead when it was made may have been so by years.
  return ageDays < -1 ? 0 : SIGNING_DAYS - ageDays;
}

function pathOf(folder: string, purpose: KeyPurpose): string {
  return join(folder, `${purpose}.json`);
}

async function makePurposeKey(
  { path, purpose, now }: Pick<PurposeKeyPlace, 'path' | 'purpose' | 'now'>,
  root: SigningKey,
  retiresBefore: MediaTime | undefined,
): Promise<PlatformKey> {
  const key = generateSigningKey();
  // Or the key would be among those that its own certificate retires.
  const notBefore = mediaTimeSchema.parse(Math.max(now, retiresBefore ?? 0));
  const days = SIGNING_DAYS + OUTLIVED_BY_DAYS[purpose];
  const certificate = await certify(root, {
    purpose,
    key: key.public,
    notBefore,
    expiresAt: addMs(notBefore, days * DAY_MS),
    ...(retiresBefore !== undefined && { retiresBefore }),
  });
  const privateKey = writeSigningKey(key);
  const file: KeyFile = { root: root.public, privateKey, certificate, madeAt: notBefore, retiresBefore };
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
