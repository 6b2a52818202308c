import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { createScheduler, type Scheduler } from '@loalang/scheduler';
import { createTestDatabase } from '@loalang/scheduler/testing';
import { type JoinAnswer, joinAnswerSchema, type Person, type PersonRole } from '@loalang/shared';
import { generateSigningKey, makeToken, type SigningKey } from '@loalang/shared/signing';
import { type Console, createConsole } from '../index.ts';

/** The console on the real broadcast centre with an empty database, for tests: a district, two communes, two receivers. */
export interface Station {
  readonly console: Console;
  readonly scheduler: Scheduler;
  readonly dataFolder: string;
  /** Cookies by who shows them. */
  readonly cookies: Readonly<Record<Who, Record<string, string>>>;
  readonly people: Readonly<Record<'administrator' | 'operator' | 'foreigner', Person>>;
  readonly receiver: { readonly deviceId: string; authorization(): Promise<string> };
  /** Signs in afresh, so that a test may end that session. */
  signIn(username: string): Promise<Record<string, string>>;
  /** Everything below the data folder, to see what was left behind. */
  files(): Promise<string[]>;
  close(): Promise<void>;
}

/** Nobody; the administrator of the district; an operator of An Lạc; an operator of another commune. */
export type Who = 'nobody' | 'administrator' | 'operator' | 'foreigner';
export const PASSWORD = 'một mật khẩu dài';
const BROKER_NAME = 'loalang';
const JOIN_CODE = 'ABCD2345';

const sample = {
  units: [
    { id: 'luc-yen', parentId: null, kind: 'district' as const, name: 'Huyện Lục Yên' },
    { id: 'an-lac', parentId: 'luc-yen', kind: 'commune' as const, name: 'Xã An Lạc' },
    { id: 'mai-son', parentId: 'luc-yen', kind: 'commune' as const, name: 'Xã Mai Sơn' },
  ],
  devices: [
    { unitId: 'an-lac', number: 1, name: 'Loa 1', joinCode: JOIN_CODE },
    { unitId: 'mai-son', number: 1, name: 'Loa 1', joinCode: 'EFGH2345' },
  ],
};

export async function startStation(): Promise<Station> {
  const database = await createTestDatabase();
  const dataFolder = await mkdtemp(join(tmpdir(), 'loalang-console-'));
  const log = pino({ level: process.env['LOALANG_TEST_LOG'] ?? 'silent' }, pino.destination(2));
  const scheduler = await createScheduler({
    dataFolder,
    databaseUrl: database.url,
    // Nothing listens there: what goes over MQTT has its own tests.
    broker: { url: 'mqtt://127.0.0.1:1', name: BROKER_NAME },
    sample,
    log,
  });
  const console = await createConsole({ platform: scheduler, uiFolder: join(dataFolder, 'no-ui'), log });
  const people = await addPeople(scheduler);
  const signIn = (username: string) => signInAs(console, username);
  return {
    console,
    scheduler,
    dataFolder,
    people,
    cookies: {
      nobody: {},
      administrator: await signIn('quantri'),
      operator: await signIn('lan'),
      foreigner: await signIn('hiep'),
    },
    receiver: await joinReceiver(console, scheduler),
    signIn,
    files: async () => (await readdir(dataFolder, { recursive: true })).toSorted(),
    close: async () => {
      await console.close();
      await scheduler.close();
      await database.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

async function addPeople({ people }: Scheduler): Promise<Station['people']> {
  const administrator = await people.ensure({
    username: 'quantri',
    name: 'Quản trị',
    role: 'administrator',
    unitId: 'luc-yen',
  });
  await people.changePassword(administrator.id, { current: null, next: PASSWORD, sessionToken: null });
  const add = (username: string, role: PersonRole, unitId: string) =>
    people.add(administrator, { username, name: username, role, unitId, password: PASSWORD });
  return {
    administrator,
    operator: await add('lan', 'operator', 'an-lac'),
    foreigner: await add('hiep', 'operator', 'mai-son'),
  };
}

async function signInAs({ app }: Console, username: string): Promise<Record<string, string>> {
  const answer = await app.inject({
    method: 'POST',
    url: '/api/sign-in',
    payload: { username, password: PASSWORD },
  });
  const cookie = answer.cookies.find(({ name }) => name === 'loalang');
  if (cookie === undefined) throw new Error(`${username} could not sign in: ${answer.body}`);
  return { loalang: cookie.value };
}

async function joinReceiver({ app }: Console, { clock }: Scheduler): Promise<Station['receiver']> {
  const key = generateSigningKey();
  const answer = await app.inject({
    method: 'POST',
    url: '/device/join',
    payload: { code: JOIN_CODE, key: key.public, model: 'test board' },
  });
  const joined: JoinAnswer = joinAnswerSchema.parse(answer.json());
  if (joined.state !== 'joined') throw new Error(`the receiver could not join: ${answer.body}`);
  const { deviceId, credential } = joined;
  return {
    deviceId,
    authorization: async () => `LoaLang ${credential} ${await tokenOf(key, deviceId, clock)}`,
  };
}

async function tokenOf(key: SigningKey, id: string, clock: Scheduler['clock']): Promise<string> {
  return await makeToken(key, { id, audience: BROKER_NAME, now: clock.now() });
}
