import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mosquittoFiles } from '@loalang/broker';
import { deviceTopic, fromUnixMs } from '@loalang/shared';
import { makeClientAuthority, type ClientAuthority } from '@loalang/shared/signing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTestCertificate } from '../../broker/src/listeners/test-certificate.ts';
import { Engine, eventually, freePorts } from './engine.ts';
import { findGaps } from './gaps.ts';
import { Province } from './province.ts';
import { A, B, certificateFor, Clients, connectOnce, expectedOutcomes, tryRights } from './rights.ts';

/** Mosquitto, configured as `npm run foreign` does. */
class Mosquitto {
  readonly url: string;
  readonly port: number;
  readonly ca: string;
  readonly engine: Engine;
  readonly #configure: (revoked: readonly string[]) => Promise<void>;

  private constructor(parts: {
    port: number;
    ca: string;
    engine: Engine;
    configure: (revoked: readonly string[]) => Promise<void>;
  }) {
    this.url = `mqtts://127.0.0.1:${parts.port}`;
    this.port = parts.port;
    this.ca = parts.ca;
    this.engine = parts.engine;
    this.#configure = parts.configure;
  }

  static async start(folder: string, { certificate: clientCa }: ClientAuthority): Promise<Mosquitto> {
    await mkdir(folder, { recursive: true });
    const certificate = makeTestCertificate(folder, 'broker');
    const [port = 0] = await freePorts(1);
    const where = { folder, host: '127.0.0.1', port, certificate, clientCa, connections: 200 };
    const configure = async (revoked: readonly string[]): Promise<void> => {
      for (const { name, text } of mosquittoFiles({ ...where, revoked })) {
        await writeFile(join(folder, name), text);
      }
    };
    await configure([]);
    // It stays whoever runs the tests, and can read their files.
    const owner = process.getuid?.() === 0 ? '\nuser root\n' : '';
    const text = await readFile(join(folder, 'mosquitto.conf'), 'utf8');
    await writeFile(join(folder, 'test.conf'), text + owner);
    const engine = await Engine.start('mosquitto', ['-c', join(folder, 'test.conf')], [port]);
    return new Mosquitto({ port, ca: certificate.pem, engine, configure });
  }

  async revoke(ids: readonly string[]): Promise<void> {
    await this.#configure(ids);
    this.engine.reload();
  }
}

describe('a platform and its receivers on Mosquitto', { timeout: 120_000 }, () => {
  const RECEIVERS = 2;
  let province: Province;
  let mosquitto: Mosquitto;

  beforeAll(async () => {
    province = await Province.prepare();
    mosquitto = await Mosquitto.start(join(province.folder, 'mosquitto'), province.authority);
    const around = { brokerUrl: mosquitto.url, ca: mosquitto.ca };
    await province.startPlatform(around, RECEIVERS);
    await province.startReceivers(around, RECEIVERS);
  });
  afterAll(async () => {
    await province?.close();
    await mosquitto?.engine.kill();
  });

  test('play what is planned', async () => {
    const { receipts } = await province.playFile(3);
    expect(receipts.map(({ state, missedMs }) => ({ state, missedMs }))).toEqual(
      Array.from({ length: RECEIVERS }, () => ({ state: 'played', missedMs: 0 })),
    );
  });

  test('play a live voice', async () => {
    const { receipts } = await province.speak(4);
    expect(receipts).toHaveLength(RECEIVERS);
    for (const { playedMs } of receipts) expect(playedMs).toBeGreaterThan(2_000);
  });
});

describe('Mosquitto, configured from the table of rights', { timeout: 120_000 }, () => {
  const authority = makeClientAuthority(fromUnixMs(Date.now()));
  let folder: string;
  let mosquitto: Mosquitto;
  let clients: Clients;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'loalang-mosquitto-'));
    mosquitto = await Mosquitto.start(folder, authority);
    clients = new Clients(authority, { port: mosquitto.port, ca: mosquitto.ca });
  });
  afterAll(async () => {
    await clients?.close();
    await mosquitto?.engine.kill();
    await rm(folder, { recursive: true, force: true });
  });

  test('takes nobody without a certificate of the platform', async () => {
    const { port, ca } = mosquitto;
    const options = { port, ca };
    await expect(connectOnce({ ...options, clientId: A.id })).rejects.toThrow();
    const foreign = certificateFor(makeClientAuthority(fromUnixMs(Date.now())), A.id);
    await expect(connectOnce({ ...options, clientId: A.id, ...foreign })).rejects.toThrow();
  });

  test('lets everybody do what the table says, and nothing else', async () => {
    expect(await tryRights(clients)).toEqual(expectedOutcomes());
  });

  test('leaves open what docs/scale.md says, and no more', async () => {
    expect(await findGaps(clients)).toEqual({
      retainsStatus: true,
      hearsAllStreams: true,
      leavesForeignWill: false,
      takesQos2: false,
      throwsOutOther: false,
    });
  });

  test('hears nothing of a revoked receiver as soon as the rights are read again', async () => {
    const platform = await clients.connect('platform');
    const heard: string[] = [];
    platform.on('message', (_, payload) => heard.push(payload.toString()));
    await platform.subscribeAsync(deviceTopic('+', 'lateness'));
    const revoked = await clients.connect(A.id);
    const other = await clients.connect(B.id);
    await mosquitto.revoke([A.id]);
    let round = 0;
    await eventually(async () => {
      round += 1;
      const text = `round ${round}`;
      await revoked.publishAsync(deviceTopic(A.id, 'lateness'), `revoked in ${text}`, { qos: 1 });
      await other.publishAsync(deviceTopic(B.id, 'lateness'), `other in ${text}`, { qos: 1 });
      await eventually(() => heard.includes(`other in ${text}`));
      return !heard.includes(`revoked in ${text}`);
    });
  });
});
