import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addMs, fromUnixMs } from '../media-time.ts';
import { generateSigningKey, readPublicKey } from './keys.ts';
import {
  issueClientCertificate,
  makeClientAuthority,
  readClientAuthority,
  writeClientAuthority,
} from './x509.ts';

const now = fromUnixMs(Date.UTC(2026, 10, 24, 12));
const authority = makeClientAuthority(now);
const holder = generateSigningKey();
const pem = issueClientCertificate(authority, {
  id: 'd-abcdefghij',
  key: holder.public,
  now,
  expiresAt: addMs(now, 365 * 86_400_000),
});

test('a client certificate says who holds which key until when, signed by its authority alone', () => {
  const certificate = new X509Certificate(pem);
  const ca = new X509Certificate(authority.certificate);
  expect(certificate.subject).toBe('CN=d-abcdefghij');
  expect(certificate.checkPrivateKey(holder.privateKey)).toBe(true);
  expect([certificate.validFrom, certificate.validTo]).toEqual([
    'Nov 23 12:00:00 2026 GMT',
    'Nov 24 12:00:00 2027 GMT',
  ]);
  expect(certificate.ca).toBe(false);
  // The object ids of its extended uses: TLS clients, and nothing else.
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(ca.ca).toBe(true);
  expect(certificate.checkIssued(ca)).toBe(true);
  expect(certificate.verify(readPublicKey(authority.key.public))).toBe(true);
  expect(certificate.verify(readPublicKey(makeClientAuthority(now).key.public))).toBe(false);
});

test('an end after 2049 is written with four digits', () => {
  const late = issueClientCertificate(authority, {
    id: 'x',
    key: holder.public,
    now,
    expiresAt: fromUnixMs(Date.UTC(2051, 0, 1)),
  });
  expect(new X509Certificate(late).validTo).toBe('Jan  1 00:00:00 2051 GMT');
});

test('OpenSSL takes it in its strictest mode, at the time for which it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'x509-'));
  const [trusted, shown] = [join(folder, 'ca.pem'), join(folder, 'client.pem')];
  writeFileSync(trusted, authority.certificate);
  writeFileSync(shown, pem);
  const verify = ['verify', '-x509_strict', '-purpose', 'sslclient', '-trusted', trusted];
  const said = execFileSync('openssl', [...verify, '-attime', String(Date.UTC(2026, 10, 25) / 1000), shown]);
  expect(said.toString()).toContain('OK');
  rmSync(folder, { recursive: true });
});

test('an authority is read as it was written, and not without its certificate', () => {
  const written = writeClientAuthority(authority);
  const read = readClientAuthority(written);
  expect([read.key.public, read.certificate]).toEqual([authority.key.public, authority.certificate]);
  const foreign = makeClientAuthority(now).certificate;
  expect(() => readClientAuthority(written.replace(authority.certificate, ''))).toThrow(TypeError);
  expect(() => readClientAuthority(written.replace(authority.certificate, foreign))).toThrow(TypeError);
});
