import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addMs, fromUnixMs, type PlanItem, type Priority } from '@loalang/shared';
import type { MonotonicClock } from '../clock/index.ts';
import { PlatformHttp } from '../link/platform-http.ts';
import { portOf } from '../testing/port-of.ts';
import { AssetCache, type AssetCacheOptions } from './asset-cache.ts';
import { wantedAssets } from './asset-order.ts';

const now = fromUnixMs(1_790_000_000_000);

let folder: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const server = createServer((request, response) => answer(request, response));
let caches: AssetCache[] = [];
let changed = (): void => undefined;
const assets = new Map<string, Buffer>();
const requests: string[] = [];

/** Waits are over at once: only the order of things is of interest here. */
const hurried: MonotonicClock = {
  nowUs: () => (ticks += 120e6),
  after(_, fn) {
    const handle = setImmediate(fn);
    return { cancel: () => clearImmediate(handle) };
  },
};
let ticks = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-assets-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  requests.length = 0;
  answer = serve;
});

afterEach(async () => {
  for (const cache of caches) await cache.close();
  caches = [];
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

function serve(request: IncomingMessage, response: ServerResponse): void {
  const sha256 = request.url?.split('/').at(-1) ?? '';
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  requests.push(`${sha256}@${from}`);
  const bytes = assets.get(sha256);
  if (bytes === undefined) response.writeHead(404).end();
  else response.writeHead(from > 0 ? 206 : 200).end(bytes.subarray(from));
}

function makeItem(bytes: number, startInMs = 60_000, priority: Priority = 'normal'): PlanItem {
  const content = randomBytes(bytes);
  const sha256 = createHash('sha256').update(content).digest('hex');
  assets.set(sha256, content);
  const broadcastId = randomBytes(16).toString('hex');
  return {
    broadcastId,
    title: '',
    priority,
    startAt: addMs(now, startInMs),
    durationMs: 1_000,
    asset: { sha256, bytes },
  };
}

async function startCache(
  options: Partial<AssetCacheOptions> = {},
  items: readonly PlanItem[] = [],
): Promise<AssetCache> {
  const cache = new AssetCache({
    folder,
    source: {
      platform: new PlatformHttp(`http://127.0.0.1:${portOf(server)}`),
      authorize: async () => 'LoaLang a b',
    },
    clock: hurried,
    random: () => 0.5,
    log: pino({ enabled: false }),
    mediaNow: () => now,
    canFetch: () => true,
    onChange: () => changed(),
    ...options,
  });
  caches.push(cache);
  await cache.start(items);
  return cache;
}

async function until(holds: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it did not happen')), 10_000);
    changed = () => {
      if (!holds()) return;
      clearTimeout(timer);
      resolve();
    };
    changed();
  });
}

const shaOf = ({ asset }: PlanItem): string => asset.sha256;

test('what the plan needs is fetched, checked and kept', async () => {
  const item = makeItem(200_000);
  const cache = await startCache();
  cache.want([item]);
  await until(() => cache.has(shaOf(item)));
  expect(await readFile(join(folder, shaOf(item)))).toEqual(assets.get(shaOf(item)));
  expect(await readdir(folder)).toEqual([shaOf(item)]);
});

test('a transfer that breaks off is resumed where it broke', async () => {
  const item = makeItem(300_000);
  const whole = assets.get(shaOf(item)) ?? Buffer.alloc(0);
  answer = (request, response) => {
    answer = serve;
    requests.push('broken');
    response.writeHead(200, { 'content-length': whole.length });
    response.write(whole.subarray(0, 120_000), () => setImmediate(() => response.destroy()));
  };
  const cache = await startCache();
  cache.want([item]);
  await until(() => cache.has(shaOf(item)));
  const from = Number(requests[1]?.split('@')[1]);
  expect(from).toBeGreaterThan(0);
  expect(from).toBeLessThanOrEqual(120_000);
});

test('wrong bytes are thrown away and fetched again', async () => {
  const item = makeItem(50_000);
  answer = (_, response) => {
    answer = serve;
    response.end(randomBytes(50_000));
  };
  const cache = await startCache();
  cache.want([item]);
  await until(() => cache.has(shaOf(item)));
  expect(requests).toEqual([`${shaOf(item)}@0`]);
});

test('more bytes than planned are not taken in', async () => {
  const item = makeItem(50_000);
  answer = (_, response) => {
    answer = serve;
    response.end(randomBytes(5_000_000));
  };
  const cache = await startCache();
  cache.want([item]);
  await until(() => cache.has(shaOf(item)));
  expect((await stat(join(folder, shaOf(item)))).size).toBe(50_000);
});

test('after a restart what is there is checked before it counts, and what is damaged is fetched again', async () => {
  const good = makeItem(40_000);
  const bad = makeItem(40_000);
  await writeFile(join(folder, shaOf(good)), assets.get(shaOf(good)) ?? '');
  await writeFile(join(folder, shaOf(bad)), randomBytes(40_000));
  const cache = await startCache();
  cache.want([good, bad]);
  await until(() => cache.has(shaOf(good)) && cache.has(shaOf(bad)));
  expect(requests).toEqual([`${shaOf(bad)}@0`]);
});

test('a file that can not be read is thrown away and fetched again, and holds up no other', async () => {
  const unreadable = makeItem(40_000, 1_000);
  const other = makeItem(40_000);
  // Reading a folder fails as reading a bad sector does.
  await mkdir(join(folder, shaOf(unreadable)));
  const cache = await startCache({}, [unreadable, other]);
  await until(() => cache.has(shaOf(unreadable)) && cache.has(shaOf(other)));
  expect(await readFile(join(folder, shaOf(unreadable)))).toEqual(assets.get(shaOf(unreadable)));
});

test('what is due soon overtakes a transfer of what is due later, which then goes on where it was', async () => {
  const later = makeItem(300_000, 86_400_000);
  const soon = makeItem(40_000);
  const whole = assets.get(shaOf(later)) ?? Buffer.alloc(0);
  const isUnderWay = new Promise<void>((resolve) => {
    answer = (_, response) => {
      answer = serve;
      response.writeHead(200, { 'content-length': whole.length });
      response.write(whole.subarray(0, 120_000));
      resolve();
    };
  });
  const cache = await startCache({}, [later]);
  await isUnderWay;
  cache.want([later, soon]);
  await until(() => cache.has(shaOf(later)));
  expect(requests.map((request) => request.split('@')[0])).toEqual([shaOf(soon), shaOf(later)]);
});

test('a file that turns out to be damaged later is fetched again', async () => {
  const item = makeItem(40_000);
  const cache = await startCache();
  cache.want([item]);
  await until(() => cache.has(shaOf(item)));
  await writeFile(join(folder, shaOf(item)), 'rust');
  cache.distrust(shaOf(item));
  expect(cache.has(shaOf(item))).toBe(false);
  await until(() => cache.has(shaOf(item)));
  expect(requests).toHaveLength(2);
});

test('beyond its bound the cache gives up what no plan needs, the oldest first, and says when the plan does not fit', async () => {
  const old = makeItem(60_000);
  const fresh = makeItem(60_000);
  const cache = await startCache({ maxBytes: 100_000 });
  cache.want([old]);
  await until(() => cache.has(shaOf(old)));
  cache.want([fresh]);
  await until(() => cache.has(shaOf(fresh)));
  expect(cache.has(shaOf(old))).toBe(false);
  cache.want([fresh, makeItem(60_000)]);
  await until(() => cache.isDiskFull);
  expect(cache.has(shaOf(fresh))).toBe(true);
});

test('where the disk takes no proofs, what no plan needs is given up', async () => {
  const old = makeItem(60_000);
  const planned = makeItem(60_000);
  const cache = await startCache({}, [old, planned]);
  await until(() => cache.has(shaOf(old)) && cache.has(shaOf(planned)));
  cache.want([planned]);
  await cache.freeRoom();
  expect(await readdir(folder)).toEqual([shaOf(planned)]);
});

test('nothing is asked of the platform before there is a credential and the hour', async () => {
  const cache = await startCache({ canFetch: () => false });
  cache.want([makeItem(100)]);
  await new Promise((resolve) => setImmediate(resolve));
  await cache.close();
  expect(requests).toEqual([]);
});

test('soon comes before later, a higher bulletin before a lower one, what is over not at all', () => {
  const over = makeItem(16, -5_000);
  const soon = makeItem(16, 120_000);
  const soonHigher = makeItem(16, 300_000, 'priority');
  const laterHigher = makeItem(16, 3_600_000, 'emergency');
  const later = makeItem(16, 3_500_000);
  const order = wantedAssets([laterHigher, over, later, soonHigher, soon], now).map(({ sha256 }) => sha256);
  expect(order).toEqual([soonHigher, soon, later, laterHigher].map(shaOf));
});
