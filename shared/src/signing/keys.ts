import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

/** What a platform key may sign. The root signs certificates only. */
export const keyPurposes = ['plan', 'air', 'time', 'credential'] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

/** An Ed25519 key pair with its id: the first 16 hex digits of the SHA-256 of the raw public key. */
export interface SigningKey {
  readonly kid: string;
  /** Raw public key, base64url. */
  readonly public: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/**
 * Makes a fresh Ed25519 key pair (RFC 8032), by way of its encoded form. Node (20.20) shares the lock of a key that it hands
 * over as an object with the work that made it; where the collector throws that away while the key is exported, which
 * holds the lock, the process waits for itself for ever: once in some thousand keys.
 */
export function generateSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  return signingKeyOf(createPrivateKey({ key: privateKey, type: 'pkcs8', format: 'der' }));
}

/** Reads a private key from PKCS #8 PEM. Throws where it is not Ed25519. */
export function readSigningKey(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new TypeError(`expected an Ed25519 key, found ${privateKey.asymmetricKeyType ?? 'none'}`);
  }
  return signingKeyOf(privateKey);
}

/** Writes a private key as PKCS #8 PEM. */
export function writeSigningKey(key: SigningKey): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function signingKeyOf(privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const { x } = publicKey.export({ format: 'jwk' });
  if (x === undefined) throw new TypeError('an Ed25519 key without its point');
  return { kid: keyId(x), public: x, publicKey, privateKey };
}

/** Makes a public key out of its raw form (32 bytes, base64url). Throws where it is none. */
export function readPublicKey(raw: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw }, format: 'jwk' });
}

/** The id of a raw public key. */
export function keyId(raw: string): string {
  return createHash('sha256').update(Buffer.from(raw, 'base64url')).digest('hex').slice(0, 16);
}

/** A number used once: 16 random bytes, base64url. */
export function makeNonce(): string {
  return randomBytes(16).toString('base64url');
}
