// Client certificates (RFC 5280, with Ed25519 as in RFC 8410), for brokers that know no credential of ours. What a credential
// says (who holds which key until when), in the one form that they read. Only written here; brokers read and check it.
import { randomBytes, sign, X509Certificate } from 'node:crypto';
import { addMs, toUnixMs, type MediaTime } from '../media-time.ts';
import {
  generateSigningKey,
  readPublicKey,
  readSigningKey,
  writeSigningKey,
  type SigningKey,
} from './keys.ts';

/** The key that signs client certificates, and the certificate by which brokers know it. */
export interface ClientAuthority {
  readonly key: SigningKey;
  /** PEM. */
  readonly certificate: string;
}

const DAY_MS = 86_400_000;
/** As long as a broker is in service; it is replaced by hand. */
const AUTHORITY_LIFE_MS = 3_650 * DAY_MS;
/** A broker's clock may be behind. */
const GRACE_MS = DAY_MS;

// DER: type, length, content.
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const KEY_ID = 0x80;

const TRUE = Buffer.from([0x01, 0x01, 0xff]);
const ED25519 = der(SEQUENCE, der(OBJECT_ID, Buffer.from('2b6570', 'hex')));
const COMMON_NAME = der(OBJECT_ID, Buffer.from('550403', 'hex'));
const CLIENT_AUTHENTICATION = der(OBJECT_ID, Buffer.from('2b06010505070302', 'hex'));

/** Makes an authority with a key of its own. */
export function makeClientAuthority(now: MediaTime): ClientAuthority {
  const key = generateSigningKey();
  const own = authorityName(key);
  const certificate = write({
    issuer: own,
    subject: own,
    notBefore: addMs(now, -GRACE_MS),
    expiresAt: addMs(now, AUTHORITY_LIFE_MS),
    publicKey: key.public,
    extensions: [
      extension('551d13', der(SEQUENCE, TRUE), { isCritical: true }),
      // To sign certificates and lists of revoked ones: bits 5 and 6.
      extension('551d0f', der(BIT_STRING, Buffer.from([1, 0x06])), { isCritical: true }),
      extension('551d0e', der(OCTET_STRING, Buffer.from(key.kid, 'hex'))),
    ],
    signer: key,
  });
  return { key, certificate };
}

/** The certificate of whoever holds this key (raw, base64url): PEM. Its common name is the id. */
export function issueClientCertificate(
  authority: ClientAuthority,
  holder: {
    readonly id: string;
    readonly key: string;
    readonly now: MediaTime;
    readonly expiresAt: MediaTime;
  },
): string {
  return write({
    issuer: authorityName(authority.key),
    subject: holder.id,
    notBefore: addMs(holder.now, -GRACE_MS),
    expiresAt: holder.expiresAt,
    publicKey: holder.key,
    extensions: [
      // To sign: bit 0.
      extension('551d0f', der(BIT_STRING, Buffer.from([7, 0x80])), { isCritical: true }),
      extension('551d25', der(SEQUENCE, CLIENT_AUTHENTICATION)),
      extension('551d23', der(SEQUENCE, der(KEY_ID, Buffer.from(authority.key.kid, 'hex')))),
    ],
    signer: authority.key,
  });
}

/** Key and certificate in one PEM file. */
export function writeClientAuthority({ key, certificate }: ClientAuthority): string {
  return writeSigningKey(key) + certificate;
}

/** Reads what `writeClientAuthority` wrote. Throws where it is anything else, or the two do not belong together. */
export function readClientAuthority(file: string): ClientAuthority {
  const key = readSigningKey(file);
  const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(file)?.[0];
  if (certificate === undefined || !new X509Certificate(certificate).checkPrivateKey(key.privateKey)) {
    throw new TypeError('the key of the client authority comes without its certificate');
  }
  return { key, certificate };
}

/** Different for each key, so that those of two authorities can stand side by side. */
function authorityName({ kid }: SigningKey): string {
  return `Loa Lang clients ${kid}`;
}

interface Statement {
  readonly issuer: string;
  readonly subject: string;
  readonly notBefore: MediaTime;
  readonly expiresAt: MediaTime;
  readonly publicKey: string;
  readonly extensions: readonly Buffer[];
  readonly signer: SigningKey;
}

function write(statement: Statement): string {
  const signed = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, serialNumber()),
    ED25519,
    name(statement.issuer),
    der(SEQUENCE, time(statement.notBefore), time(statement.expiresAt)),
    name(statement.subject),
    readPublicKey(statement.publicKey).export({ type: 'spki', format: 'der' }),
    der(EXTENSIONS, der(SEQUENCE, ...statement.extensions)),
  );
  const signature = sign(null, signed, statement.signer.privateKey);
  return pem(der(SEQUENCE, signed, ED25519, der(BIT_STRING, Buffer.from([0]), signature)));
}

/** 16 random bytes, positive and without a leading zero. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes;
}

function name(common: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(common)))));
}

/** Two digits of the year until 2049, four from 2050 on (RFC 5280 §4.1.2.5). */
function time(at: MediaTime): Buffer {
  const digits = new Date(toUnixMs(at)).toISOString().replace(/[-T:]|\.\d+/g, '');
  const isShort = digits < '2050';
  return der(isShort ? UTC_TIME : GENERALIZED_TIME, Buffer.from(isShort ? digits.slice(2) : digits));
}

function extension(id: string, value: Buffer, { isCritical = false } = {}): Buffer {
  const critical = isCritical ? [TRUE] : [];
  return der(SEQUENCE, der(OBJECT_ID, Buffer.from(id, 'hex')), ...critical, der(OCTET_STRING, value));
}

function der(type: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([type]), lengthOf(content.byteLength), content]);
}

function lengthOf(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  return bytes < 0x100 ? Buffer.from([0x81, bytes]) : Buffer.from([0x82, bytes >> 8, bytes & 0xff]);
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
