import { verify } from '@node-rs/argon2';
import { addMs, fromUnixMs, LoaLangError, type MediaTime, type Person } from '@loalang/shared';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { schema, type Database } from '../database/index.ts';
import { createTestDatabase } from '../database/testing.ts';
import { People } from './index.ts';

vi.mock('@node-rs/argon2', { spy: true });

const HOUR_MS = 3_600_000;
const PASSWORD = 'đài Yên Thế 1975';

let database: Database;
let people: People;
let time: MediaTime;
let admin: Person;

const clock = { now: () => time };
const later = (ms: number): void => {
  time = addMs(time, ms);
};

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return await attempt.then(
    () => 'none',
    (error: unknown) => (error instanceof LoaLangError ? error.code : String(error)),
  );
}

/** The hash that a refusal was checked against, less its salt and value: what makes the check slow. */
async function workOf(username: string): Promise<string[]> {
  vi.mocked(verify).mockClear();
  await codeOf(people.signIn({ username, password: 'x' }));
  return vi.mocked(verify).mock.calls.map(([hashed]) => hashed.toString().split('$').slice(0, 4).join('$'));
}

beforeAll(async () => {
  database = await createTestDatabase();
  await database.db.insert(schema.units).values([
    { id: 'luc-yen', kind: 'district', name: 'Lục Yên' },
    { id: 'yen-the', parentId: 'luc-yen', kind: 'town', name: 'Yên Thế' },
    { id: 'van-yen', kind: 'district', name: 'Văn Yên' },
  ]);
});

beforeEach(async () => {
  time = fromUnixMs(1_780_000_000_000);
  people = new People({ db: database.db, clock });
  await database.db.delete(schema.sessions);
  await database.db.delete(schema.signInLinks);
  await database.db.delete(schema.people);
  admin = await people.ensure({ username: 'huyen', name: 'Hà', role: 'administrator', unitId: 'luc-yen' });
});

afterAll(async () => await database.close());

async function addLan(): Promise<Person> {
  const input = {
    username: 'lan',
    name: 'Lan',
    role: 'operator',
    unitId: 'yen-the',
    password: PASSWORD,
  } as const;
  return await people.add(admin, input);
}

describe('signing in', () => {
  test('takes the name in any case and the password in any Unicode form', async () => {
    const lan = await addLan();
    const { person, token } = await people.signIn({ username: ' LAN ', password: PASSWORD.normalize('NFD') });
    expect(person).toEqual(lan);
    expect((await people.session(token))?.person).toEqual({
      id: lan.id,
      username: 'lan',
      name: 'Lan',
      role: 'operator',
      unit: { id: 'yen-the', name: 'Yên Thế' },
      hasPassword: true,
    });
  });

  test.each([
    ['a wrong password', 'lan', 'đài Yên Thế 1976'],
    ['an unknown name', 'nobody', PASSWORD],
    ['a person without a password', 'huyen', ''],
  ])('refuses %s with the same code', async (_what, username, password) => {
    await addLan();
    expect(await codeOf(people.signIn({ username, password }))).toBe('SIGN_IN_WRONG');
  });

  test('does the same work for an unknown name as for a wrong password', async () => {
    await addLan();
    const work = await workOf('lan');
    expect(work).toHaveLength(1);
    expect(await workOf('nobody')).toEqual(work);
  });

  test('keeps only hashes of tokens and passwords', async () => {
    await addLan();
    const { token } = await people.signIn({ username: 'lan', password: PASSWORD });
    const link = await people.createLink(admin.id);
    const kept = JSON.stringify([
      await database.db.select().from(schema.people),
      await database.db.select().from(schema.sessions),
      await database.db.select().from(schema.signInLinks),
    ]);
    for (const secret of [token, link, PASSWORD]) expect(kept).not.toContain(secret);
    expect(kept).toContain('$argon2id$');
  });
});

describe('a session', () => {
  test('ends after 12 hours without use', async () => {
    await addLan();
    const { token } = await people.signIn({ username: 'lan', password: PASSWORD });
    later(11.9 * HOUR_MS);
    expect(await people.session(token)).not.toBeNull();
    later(11.9 * HOUR_MS);
    expect(await people.session(token)).not.toBeNull();
    later(12 * HOUR_MS);
    expect(await people.session(token)).toBeNull();
  });

  test('ends after 7 days however much it is used', async () => {
    await addLan();
    const { token } = await people.signIn({ username: 'lan', password: PASSWORD });
    for (let hours = 0; hours < 7 * 24 - 6; hours += 6) {
      later(6 * HOUR_MS);
      expect(await people.session(token)).not.toBeNull();
    }
    later(6 * HOUR_MS);
    expect(await people.session(token)).toBeNull();
  });

  test('ends by signing out, and only that one', async () => {
    await addLan();
    const [first, second] = await Promise.all([
      people.signIn({ username: 'lan', password: PASSWORD }),
      people.signIn({ username: 'lan', password: PASSWORD }),
    ]);
    await people.signOut(first.token);
    expect(await people.session(first.token)).toBeNull();
    expect(await people.session(second.token)).not.toBeNull();
  });
});

describe('a sign-in link', () => {
  test('works once, even when used many times at once', async () => {
    const link = await people.createLink(admin.id);
    const codes = await Promise.all(
      Array.from({ length: 8 }, async () => await codeOf(people.signInByLink(link))),
    );
    expect(codes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'SIGN_IN_LINK_USED'), 'none']);
  });

  test('expires after 24 hours', async () => {
    const link = await people.createLink(admin.id);
    later(24 * HOUR_MS);
    expect(await codeOf(people.signInByLink(link))).toBe('SIGN_IN_LINK_USED');
  });

  test('is removed with ended sessions by pruning', async () => {
    const link = await people.createLink(admin.id);
    await people.signInByLink(link);
    later(13 * HOUR_MS);
    await people.prune();
    expect(await database.db.select().from(schema.signInLinks)).toEqual([]);
    expect(await database.db.select().from(schema.sessions)).toEqual([]);
  });
});

describe('an administrator', () => {
  test('sees and adds people below their unit only', async () => {
    const lan = await addLan();
    expect(await people.list(admin)).toEqual([admin, lan]);
    const other = {
      username: 'van',
      name: 'Vân',
      role: 'operator',
      unitId: 'van-yen',
      password: PASSWORD,
    } as const;
    expect(await codeOf(people.add(admin, other))).toBe('NOT_FOUND');
    expect(await codeOf(people.add(lan, { ...other, unitId: 'yen-the' }))).toBe('FORBIDDEN');
    expect(await codeOf(people.list(lan))).toBe('FORBIDDEN');
  });

  test('is told that a user name is taken', async () => {
    await addLan();
    expect(await codeOf(addLan())).toBe('USERNAME_TAKEN');
  });

  test('takes access away at once', async () => {
    const lan = await addLan();
    const { token } = await people.signIn({ username: 'lan', password: PASSWORD });
    const link = await people.createLink(lan.id);
    await people.disable(admin, lan.id);
    expect(await people.session(token)).toBeNull();
    expect(await codeOf(people.signInByLink(link))).toBe('SIGN_IN_LINK_USED');
    expect(await codeOf(people.signIn({ username: 'lan', password: PASSWORD }))).toBe('SIGN_IN_WRONG');
    expect(await people.list(admin)).toEqual([admin]);
    expect(await codeOf(people.disable(admin, admin.id))).toBe('FORBIDDEN');
  });
});

describe('changing a password', () => {
  const next = 'một mật khẩu khác';

  test('needs the current one and ends all other sessions', async () => {
    const lan = await addLan();
    const here = await people.signIn({ username: 'lan', password: PASSWORD });
    const elsewhere = await people.signIn({ username: 'lan', password: PASSWORD });
    const change = { current: 'sai', next, sessionToken: here.token };
    expect(await codeOf(people.changePassword(lan.id, change))).toBe('PASSWORD_WRONG');
    expect(await codeOf(people.changePassword(lan.id, { ...change, current: null }))).toBe('PASSWORD_WRONG');
    await people.changePassword(lan.id, { ...change, current: PASSWORD });
    expect(await people.session(here.token)).not.toBeNull();
    expect(await people.session(elsewhere.token)).toBeNull();
    expect(await codeOf(people.signIn({ username: 'lan', password: PASSWORD }))).toBe('SIGN_IN_WRONG');
    expect(await codeOf(people.signIn({ username: 'lan', password: next }))).toBe('none');
  });

  test('asks for none where there is none yet', async () => {
    await people.changePassword(admin.id, { current: null, next, sessionToken: null });
    expect((await people.signIn({ username: 'huyen', password: next })).person.hasPassword).toBe(true);
  });
});

test('the first administrator is added once, without a password', async () => {
  const again = { username: 'huyen', name: 'Khác', role: 'administrator', unitId: 'luc-yen' } as const;
  expect(await people.ensure(again)).toEqual(admin);
  expect(admin.hasPassword).toBe(false);
});
