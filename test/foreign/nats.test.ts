import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Agent } from '@loalang/device-agent';
import { natsFiles, type NatsNode, type NatsOptions } from '@loalang/broker';
import { fromUnixMs } from '@loalang/shared';
import { makeClientAuthority, type ClientAuthority } from '@loalang/shared/signing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTestCertificate } from '../../broker/src/listeners/test-certificate.ts';
import { Engine, eventually, freePorts } from './engine.ts';
import { findGaps } from './gaps.ts';
import { Province } from './province.ts';
import { A, B, certificateFor, Clients, connectOnce, expectedOutcomes, tryRights } from './rights.ts';

/** Three NATS servers in a cluster, configured as `npm run foreign` does. */
class Cluster {
  readonly ca: string;
  readonly nodes: readonly NatsNode[];
  readonly engines: Engine[] = [];
  readonly #options: NatsOptions;

  private constructor(ca: string, options: NatsOptions) {
    this.ca = ca;
    this.nodes = options.nodes;
    this.#options = options;
  }

  static async prepare(
    folder: string,
    { certificate: clientCa }: ClientAuthority,
    size: number,
  ): Promise<Cluster> {
    await mkdir(folder, { recursive: true });
    const certificate = makeTestCertificate(folder, 'broker');
    const ports = await freePorts(3 * size);
    const nodes = Array.from({ length: size }, (_, index) => ({
      name: `loa-${index + 1}`,
      host: '127.0.0.1',
      port: ports[3 * index] ?? 0,
      clusterHost: '127.0.0.1',
      clusterPort: ports[3 * index + 1] ?? 0,
      localPort: ports[3 * index + 2] ?? 0,
      storeFolder: join(folder, `store-${index + 1}`),
    }));
    const common = { folder, certificate, clientCa, connections: 500, clusterSecret: 'secret' };
    return new Cluster(certificate.pem, { ...common, nodes, receivers: [], revoked: [] });
  }

  get url(): string {
    return this.urlFrom(0);
  }

  /** All addresses, the nth first. */
  urlFrom(index: number): string {
    const first = index % this.nodes.length;
    const nodes = [...this.nodes.slice(first), ...this.nodes.slice(0, first)];
    return nodes.map(({ port }) => `mqtts://127.0.0.1:${port}`).join(',');
  }

  async configure(receivers: readonly string[], revoked: readonly string[] = []): Promise<void> {
    for (const { name, text } of natsFiles({ ...this.#options, receivers, revoked })) {
      await writeFile(join(this.#options.folder, name), text);
    }
  }

  async start(): Promise<void> {
    const starting = this.nodes.map((node) =>
      Engine.start('nats-server', ['-c', join(this.#options.folder, `${node.name}.conf`)], [node.port]),
    );
    this.engines.push(...(await Promise.all(starting)));
  }

  async close(): Promise<void> {
    await Promise.all(this.engines.map((engine) => engine.kill()));
  }
}

/** After a kill, what is looked at of the voice that goes on. */
const SOUNDS_ON_MS = 12_000;
/** Fades, and what concealment covers. Less than the shortest outage, which must be repaired whole. */
const REPAIR_MS = 400;

/** Adds up for how long each was without a broker; resolves once one was and all are back. */
async function watchOutages(agents: readonly Agent[], away: number[]): Promise<void> {
  let before = performance.now();
  await eventually(() => {
    const now = performance.now();
    for (const [index, { isOnline }] of agents.entries()) {
      if (!isOnline) away[index] = (away[index] ?? 0) + now - before;
    }
    before = now;
    return away.some((ms) => ms > 0) && agents.every(({ isOnline }) => isOnline);
  });
}

/** MQTT's streams take a moment to have a leader: until then nobody is let in. */
async function untilServes(authority: ClientAuthority, port: number, ca: string): Promise<void> {
  const clients = new Clients(authority, { port, ca });
  await eventually(async () => {
    const client = await clients.connect(A.id, { clientId: `probe ${port}` }).catch(() => null);
    return client !== null;
  });
  await clients.close();
}

describe('a platform and its receivers on a cluster of NATS servers', { timeout: 180_000 }, () => {
  const RECEIVERS = 3;
  let province: Province;
  let cluster: Cluster;

  beforeAll(async () => {
    province = await Province.prepare();
    cluster = await Cluster.prepare(join(province.folder, 'nats'), province.authority, 3);
    const around = {
      brokerUrl: cluster.url,
      receiverUrl: (index: number) => cluster.urlFrom(index),
      ca: cluster.ca,
    };
    const ids = await province.startPlatform(around, RECEIVERS);
    await cluster.configure([...ids, A.id]);
    await cluster.start();
    await Promise.all(cluster.nodes.map(({ port }) => untilServes(province.authority, port, cluster.ca)));
    await province.startReceivers(around, RECEIVERS);
  }, 120_000);
  afterAll(async () => {
    await province?.close();
    await cluster?.close();
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

  test('lose no more than what can not be repaired when their server is killed in the middle of a live voice', async () => {
    const ports = province.agents.map((_, index) => province.receiverPort(index));
    const foreign = ports.find((port) => port !== province.platformPort);
    const killed = cluster.nodes.findIndex(({ port }) => port === foreign);
    expect(killed).not.toBe(-1);
    const away = province.agents.map(() => 0);
    let fromUs = 0;
    let latencyMs = 0;
    await province.speak(20, async (session) => {
      latencyMs = session.latencyMs;
      fromUs = systemClock.nowUs();
      const outage = watchOutages(province.agents, away);
      await cluster.engines[killed]?.kill();
      await outage;
    });
    expect(Math.max(...away)).toBeGreaterThan(0);
    for (const [index, awayMs] of away.entries()) {
      const unavoidableMs = Math.max(0, awayMs - latencyMs);
      const silentMs = province.silenceMs(index, fromUs, SOUNDS_ON_MS);
      expect(silentMs).toBeLessThanOrEqual(unavoidableMs + REPAIR_MS);
    }
  });
});

describe('NATS server, configured from the table of rights', { timeout: 180_000 }, () => {
  const authority = makeClientAuthority(fromUnixMs(Date.now()));
  let folder: string;
  let cluster: Cluster;
  let clients: Clients;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'loalang-nats-'));
    cluster = await Cluster.prepare(folder, authority, 1);
    await cluster.configure([A.id, B.id]);
    await cluster.start();
    clients = new Clients(authority, { port: cluster.nodes[0]?.port ?? 0, ca: cluster.ca });
    await untilServes(authority, cluster.nodes[0]?.port ?? 0, cluster.ca);
  });
  afterAll(async () => {
    await clients?.close();
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('takes nobody without a certificate of the platform, and nobody who is not listed', async () => {
    const port = cluster.nodes[0]?.port ?? 0;
    const options = { port, ca: cluster.ca };
    await expect(connectOnce({ ...options, clientId: A.id })).rejects.toThrow();
    const foreign = certificateFor(makeClientAuthority(fromUnixMs(Date.now())), A.id);
    await expect(connectOnce({ ...options, clientId: A.id, ...foreign })).rejects.toThrow();
    await expect(clients.connect('d-cccccccccc')).rejects.toThrow();
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
      throwsOutOther: true,
    });
  });

  test('ends the connection of a revoked receiver when the rights are read again, and of nobody else', async () => {
    const [revoked, other] = [await clients.connect(A.id), await clients.connect(B.id)];
    await cluster.configure([A.id, B.id], [A.id]);
    for (const engine of cluster.engines) engine.reload();
    await eventually(() => !revoked.connected);
    expect(other.connected).toBe(true);
    await expect(clients.connect(A.id)).rejects.toThrow();
  });
});
