import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  addMs,
  commandResultSchema,
  fromUnixMs,
  type JoinAnswer,
  type JoinRequest,
  type MediaTime,
} from '@loalang/shared';
import { generateSigningKey, TrustStore, verifyJws } from '@loalang/shared/signing';
import { HttpRefused, PlatformHttp } from '../link/index.ts';
import { Authority, DEVICE_ID } from '../testing/authority.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { readClips, Voice } from '../voice/index.ts';
import { IdentityStore, type Membership } from './identity-store.ts';
import { JoinDesk } from './join-desk.ts';

/** Noon in Vietnam, and three in the morning. */
const NOW = fromUnixMs(Date.UTC(2026, 10, 24, 5));
const NIGHT = fromUnixMs(Date.UTC(2026, 10, 23, 20));
const MINUTE_MS = 60_000;

/** Whoever answers in the platform's place. */
class Answerer extends PlatformHttp {
  readonly requests: JoinRequest[] = [];
  answer: (request: JoinRequest) => JoinAnswer | Promise<JoinAnswer> = () => ({ state: 'waiting' });

  constructor() {
    super('http://nobody.invalid');
  }

  override async join(request: JoinRequest): Promise<JoinAnswer> {
    this.requests.push(request);
    return await this.answer(request);
  }
}

let folder: string;
let authority: Authority;
let platform: Answerer;
let clock: HandClock;
let said: string[];
let member: Membership | null;
let isForgotten: boolean;
let now: MediaTime;
const key = generateSigningKey();
const { signal } = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-desk-'));
  authority = await Authority.make(NOW);
  platform = new Answerer();
  clock = new HandClock();
  said = [];
  member = null;
  isForgotten = false;
  now = NOW;
});
afterEach(() => rm(folder, { recursive: true }));

function makeDesk(givenCode?: string): JoinDesk {
  const play = (items: readonly { title: string }[]): void => {
    said.push(items.map(({ title }) => (title.length === 1 ? title : `${title} `)).join(''));
  };
  return new JoinDesk({
    identity: new IdentityStore(folder),
    key,
    trust: new TrustStore(authority.root.public),
    platform,
    voice: new Voice({ clips: readClips(), clock, play }),
    clock,
    random: () => 0.5,
    log: pino({ enabled: false }),
    board: { model: 'bench', serial: 'B-1' },
    givenCode,
    mediaNow: () => now,
    isMember: () => member !== null,
    onMember: (membership) => {
      member = membership;
    },
    onRetired: () => {
      isForgotten = true;
      return Promise.resolve();
    },
  });
}

async function joined(who = key.public, url = 'mqtts://x'): Promise<JoinAnswer> {
  const credential = await authority.sign('credential', {
    type: 'credential',
    id: DEVICE_ID,
    role: 'device',
    key: who,
    issuedAt: NOW,
    expiresAt: addMs(NOW, 86_400_000),
  });
  return { state: 'joined', deviceId: DEVICE_ID, credential, broker: { url, name: 'x' } };
}

describe('a board that nobody knows', () => {
  test('shows and reads out a code of eight digits while the platform waits for it', async () => {
    const desk = makeDesk();
    expect(await desk.ask(signal)).toBe(false);
    const [request] = platform.requests;
    expect(request).toEqual({ code: request?.code, key: key.public, model: 'bench', serial: 'B-1' });
    expect(request?.code).toMatch(/^\d{8}$/);
    expect(await readFile(join(folder, 'join-code'), 'utf8')).toBe(`${request?.code}\n`);
    expect(said).toEqual([`code ${request?.code}`]);
  });

  test('reads on with pauses for a quarter of an hour, and then asks on in silence', async () => {
    const desk = makeDesk();
    for (let second = 0; second < 15 * 60; second += 4) {
      await desk.ask(signal);
      clock.advance(4_000);
    }
    // A reading takes some 11 s, by its last digit, and a pause 5 s; it asks every 4 s: so every 16 or 20 s.
    expect(said.length).toBeGreaterThanOrEqual(45);
    expect(said.length).toBeLessThanOrEqual(57);
    const before = said.length;
    clock.advance(MINUTE_MS);
    await desk.ask(signal);
    expect(said).toHaveLength(before);
  });

  test('is silent after two minutes of a night', async () => {
    now = NIGHT;
    const desk = makeDesk();
    for (let second = 0; second < 15 * 60; second += 4) {
      await desk.ask(signal);
      clock.advance(4_000);
    }
    expect(said.length).toBeGreaterThan(4);
    expect(said.length).toBeLessThan(9);
  });

  test('makes another code where the first is no good, and reads that', async () => {
    const desk = makeDesk();
    await desk.ask(signal);
    platform.answer = () => ({ state: 'new-code' });
    await desk.ask(signal);
    platform.answer = () => ({ state: 'waiting' });
    await desk.ask(signal);
    const codes = platform.requests.map(({ code }) => code);
    expect(codes[0]).toBe(codes[1]);
    expect(codes[2]).not.toBe(codes[0]);
    expect(said).toEqual([`code ${codes[0]}`, `code ${codes[2]}`]);
  });

  test('keeps a code that it was given to itself, and gives it up when it is no good', async () => {
    const desk = makeDesk('ABCD2345');
    await desk.ask(signal);
    expect(said).toEqual([]);
    platform.answer = () => ({ state: 'new-code' });
    await desk.ask(signal);
    platform.answer = () => ({ state: 'waiting' });
    await desk.ask(signal);
    expect(said).toEqual([`code ${platform.requests.at(-1)?.code}`]);
  });

  test('says that it has no network, from a minute after its start on and for a quarter of an hour', async () => {
    platform.answer = () => Promise.reject(new Error('no route'));
    const desk = makeDesk();
    const saidAt: number[] = [];
    for (let second = 0; second < 20 * 60; second += 10) {
      await desk.ask(signal);
      if (said.splice(0).includes('offline ')) saidAt.push(second);
      clock.advance(10_000);
    }
    expect([saidAt[0], saidAt.at(-1)]).toEqual([60, 14 * 60 + 50]);
  });

  test('is silent where a platform that is reached has no time for it', async () => {
    platform.answer = () => Promise.reject(new HttpRefused(429, '/device/join'));
    const desk = makeDesk();
    for (let second = 0; second < 5 * 60; second += 10) {
      expect(await desk.ask(signal)).toBe(false);
      clock.advance(10_000);
    }
    expect(said).toEqual([]);
  });
});

describe('admission', () => {
  test('is said aloud before the board is a member, and kept', async () => {
    const desk = makeDesk();
    await desk.ask(signal);
    platform.answer = () => joined();
    const asking = desk.ask(signal);
    while (said.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(said.at(-1)).toBe('admitted ');
    expect(member).toBeNull();
    clock.advance(5_000);
    expect(await asking).toBe(true);
    expect(member).toMatchObject({ deviceId: DEVICE_ID });
    expect(await new IdentityStore(folder).membership()).toEqual(member);
    await expect(readFile(join(folder, 'join-code'))).rejects.toThrow('ENOENT');
    // It asks again for a fresh credential: a member says nothing.
    expect(await desk.ask(signal)).toBe(true);
    expect(said).toHaveLength(2);
  });

  test('by a credential for another key, or of another root, is none', async () => {
    const desk = makeDesk();
    platform.answer = () => joined(generateSigningKey().public);
    expect(await desk.ask(signal)).toBe(false);
    const right = authority;
    authority = await Authority.make(NOW);
    platform.answer = () => joined();
    expect(await desk.ask(signal)).toBe(false);
    authority = right;
    expect(member).toBeNull();
  });

  test('to a broker that can be none is not kept', async () => {
    platform.answer = () => joined(key.public, 'mqtt://x');
    expect(await makeDesk().ask(signal)).toBe(false);
    expect(await new IdentityStore(folder).membership()).toBeNull();
  });
});

describe('being told to forget everything', () => {
  async function wipe(difference: object = {}, purpose: 'air' | 'plan' = 'air'): Promise<JoinAnswer> {
    const command = {
      type: 'command',
      device: DEVICE_ID,
      id: '0123456789abcdef0123456789abcdef',
      issuedAt: NOW,
      expiresAt: addMs(NOW, MINUTE_MS),
      act: { kind: 'wipe', key: key.public },
      ...difference,
    };
    return { state: 'retired', wipe: await authority.sign(purpose, command) };
  }

  test('is obeyed once the platform has the receipt', async () => {
    platform.answer = () => wipe();
    expect(await makeDesk().ask(signal)).toBe(true);
    expect(isForgotten).toBe(true);
    const receipt = platform.requests[1]?.receipt ?? '';
    expect(await verifyJws(receipt, key.publicKey, commandResultSchema)).toMatchObject({
      ok: true,
      payload: { device: DEVICE_ID, id: '0123456789abcdef0123456789abcdef', outcome: 'done' },
    });
  });

  test('waits while the receipt does not arrive', async () => {
    platform.answer = ({ receipt }) =>
      receipt === undefined ? wipe() : Promise.reject(new Error('connection lost'));
    expect(await makeDesk().ask(signal)).toBe(false);
    expect(isForgotten).toBe(false);
  });

  test.each([
    ['for another board', async () => wipe({ act: { kind: 'wipe', key: generateSigningKey().public } })],
    ['too late', async () => wipe({ expiresAt: NOW })],
    ['by a key for something else', async () => wipe({}, 'plan')],
    [
      'by a command for something else',
      async () => wipe({ act: { kind: 'listen', from: null, durationMs: 200 } }),
    ],
    ['by nobody', () => ({ state: 'retired', wipe: 'a.b.c' }) as const],
  ])('is not obeyed %s', async (_, answer) => {
    platform.answer = answer;
    expect(await makeDesk().ask(signal)).toBe(false);
    expect(isForgotten).toBe(false);
    expect(platform.requests).toHaveLength(1);
  });
});
