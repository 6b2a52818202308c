import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestVillage, until } from '../test-village.ts';
import { CertificatePair, type CertificateFiles } from './certificate-pair.ts';
import { readListeners } from './read-listeners.ts';
import { makeTestCertificate } from './test-certificate.ts';

let folder: string;
let files: CertificateFiles;
let lines: string[];
let village: TestVillage | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-pair-'));
  files = makeTestCertificate(folder, 'first');
  lines = [];
  village = null;
});
afterEach(async () => {
  await village?.close();
  await rm(folder, { recursive: true, force: true });
});

const log = pino({}, { write: (line: string) => void lines.push(line) });

async function start(): Promise<TestVillage> {
  village = await TestVillage.start({
    listeners: readListeners('mqtts://127.0.0.1:0'),
    certificate: files,
    log,
  });
  return village;
}

/** A connection, and the name in the certificate that it was met with. */
async function meet({ listeners }: TestVillage): Promise<{ socket: TLSSocket; name: string }> {
  const socket = connect({ host: '127.0.0.1', port: listeners[1]?.port ?? 0, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return { socket, name: String(socket.getPeerCertificate().subject.CN) };
}

async function replaceBy(name: string): Promise<void> {
  const next = makeTestCertificate(folder, name);
  await copyFile(next.certificate, files.certificate);
  await copyFile(next.key, files.key);
}

function errors(): number {
  return lines.filter((line) => line.includes('no good')).length;
}

test('a renewed certificate meets new connections, and the old ones live on', async () => {
  const { broker } = await start();
  const before = await meet(village ?? (await start()));
  await replaceBy('second');
  await broker.reloadCertificate();
  const after = await meet(village ?? (await start()));
  expect([before.name, after.name]).toEqual(['first', 'second']);
  expect(before.socket.destroyed).toBe(false);
  for (const { socket } of [before, after]) socket.destroy();
});

test.each([
  ['half a certificate', async () => writeFile(files.certificate, '-----BEGIN CERTIFICATE-----\nMIIB')],
  [
    'the key of another certificate',
    async () => copyFile(makeTestCertificate(folder, 'other').key, files.key),
  ],
  ['no file any more', async () => rm(files.key)],
])('%s keeps the old one, is told, and is got over', async (_, spoil) => {
  const started = await start();
  await spoil();
  await started.broker.reloadCertificate();
  expect(errors()).toBe(1);
  const before = await meet(started);
  await replaceBy('second');
  await started.broker.reloadCertificate();
  const after = await meet(started);
  expect([before.name, after.name]).toEqual(['first', 'second']);
  for (const { socket } of [before, after]) socket.destroy();
});

test('the files are looked at by themselves, a bad pair is told once, and closing ends it', async () => {
  const pair = new CertificatePair(files, log, 5);
  await pair.start();
  const { context } = pair;
  await writeFile(files.certificate, 'nothing');
  await until(() => errors() > 0);
  for (let look = 0; look < 5; look += 1) await pair.reload();
  expect(errors()).toBe(1);
  expect(pair.context).toBe(context);
  await replaceBy('second');
  await until(() => pair.context !== context);
  await pair.close();
});

test('a start without a good certificate is one clear error', async () => {
  const wrong = { ...files, key: join(folder, 'missing.key') };
  const starting = TestVillage.start({
    listeners: readListeners('mqtts://127.0.0.1:0'),
    certificate: wrong,
  });
  await expect(starting).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    details: { variable: 'LOALANG_BROKER_CERTIFICATE' },
  });
});
