import { createHash, randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

const TOKEN_BYTES = 32;
/** OWASP's first choice for argon2id: 19 MiB, 2 passes, 1 lane; about 20 ms. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** A new bearer secret: 256 random bits. Only its hash is kept. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** A random token needs no slow hash: it can't be guessed from its SHA-256. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** argon2id as a PHC string. */
export async function hashPassword(password: string): Promise<string> {
  return await hash(password.normalize('NFC'), cost);
}

let nobody: Promise<string> | null = null;

/**
 * Checks a password. Where there is no hash (nobody of that name, no password yet) the same work is done against the hash
 * of a random one, so that the time of the answer does not tell which names exist.
 */
export async function checkPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const reference = passwordHash ?? (await (nobody ??= hashPassword(newToken())));
  const isRight = await verify(reference, password.normalize('NFC'));
  return passwordHash !== null && isRight;
}
