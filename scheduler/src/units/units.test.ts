import { LoaLangError } from '@loalang/shared';
import { eq } from 'drizzle-orm';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema, type Database } from '../database/index.ts';
import { createTestDatabase } from '../database/testing.ts';
import { DEFAULT_POLICY, readSample, Units, type Sample } from './index.ts';

const sample: Sample = {
  units: [
    { id: 'mai-son', parentId: 'luc-yen', kind: 'commune', name: 'Mai Sơn' },
    { id: 'yen-the', parentId: 'luc-yen', kind: 'town', name: 'Yên Thế' },
    { id: 'to-1', parentId: 'yen-the', kind: 'group', name: 'Tổ 1' },
    { id: 'luc-yen', parentId: null, kind: 'district', name: 'Lục Yên' },
    { id: 'an-lac', parentId: 'van-yen', kind: 'commune', name: 'An Lạc' },
    { id: 'van-yen', parentId: null, kind: 'district', name: 'Văn Yên' },
  ],
  devices: [
    { unitId: 'yen-the', number: 1, name: 'Chợ', joinCode: 'YT-1' },
    { unitId: 'to-1', number: 1, name: 'Nhà văn hóa', joinCode: 'TO-1' },
    { unitId: 'mai-son', number: 1, name: 'Ủy ban', joinCode: 'MS-1' },
    { unitId: 'mai-son', number: 2, name: 'Trường', joinCode: 'MS-2' },
  ],
};

let database: Database;
let units: Units;

beforeAll(async () => {
  database = await createTestDatabase();
  units = new Units({ db: database.db });
});

afterAll(async () => await database.close());

describe('seeding', () => {
  test('adds all once, whatever the order of the file, with random ids', async () => {
    expect(await units.seed(sample)).toEqual({ units: 6, devices: 4 });
    const devices = await database.db.select().from(schema.devices);
    for (const device of devices) expect(device.id).toMatch(/^d-[a-z2-7]{10}$/);
    expect(new Set(devices.map((device) => device.id)).size).toBe(4);
  });

  test('a second time adds only what is new and leaves the rest as it became', async () => {
    const { devices } = schema;
    await database.db
      .update(devices)
      .set({ joinCode: null, name: 'Chợ mới' })
      .where(eq(devices.joinCode, 'YT-1'));
    const more = { unitId: 'yen-the', number: 2, name: 'Bến xe', joinCode: 'YT-2' };
    const grown = { ...sample, devices: [...sample.devices, more] };
    expect(await units.seed(grown)).toEqual({ units: 0, devices: 1 });
    const kept = await database.db.select().from(devices).where(eq(devices.name, 'Chợ mới'));
    expect(kept[0]?.joinCode).toBeNull();
  });

  test('nothing does nothing', async () => {
    expect(await units.seed({ units: [], devices: [] })).toEqual({ units: 0, devices: 0 });
  });
});

describe('the tree', () => {
  test('is listed in reading order with receivers counted downwards', async () => {
    const listed = await units.list('luc-yen');
    expect(listed.map(({ id, deviceCount }) => [id, deviceCount])).toEqual([
      ['luc-yen', 5],
      ['mai-son', 2],
      ['yen-the', 3],
      ['to-1', 1],
    ]);
    expect(listed[1]).toEqual({
      id: 'mai-son',
      parentId: 'luc-yen',
      kind: 'commune',
      name: 'Mai Sơn',
      deviceCount: 2,
    });
    expect(await units.list('nowhere')).toEqual([]);
  });

  test('below a unit is the unit itself and all that hangs on it', async () => {
    expect((await units.subtree('yen-the')).toSorted()).toEqual(['to-1', 'yen-the']);
    expect(await units.subtree('nowhere')).toEqual([]);
  });

  test('what is not below a person is not there for them', async () => {
    const person = { unit: { id: 'yen-the', name: 'Yên Thế' } };
    await expect(units.assertWithin(person, ['yen-the', 'to-1'])).resolves.toBeUndefined();
    await expect(units.assertWithin(person, ['to-1', 'mai-son'])).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(units.assertWithin(person, ['nowhere'])).rejects.toBeInstanceOf(LoaLangError);
  });
});

test('the policy of the nearest unit above holds', async () => {
  const night = { utcOffsetMinutes: 420, quietHours: [{ from: '21:00', to: '05:00' }] };
  const noon = { utcOffsetMinutes: 420, quietHours: [{ from: '11:30', to: '13:30' }] };
  expect(await units.policy('to-1')).toEqual(DEFAULT_POLICY);
  await units.setPolicy('luc-yen', night);
  await units.setPolicy('yen-the', noon);
  expect(await units.policies(['to-1', 'yen-the', 'mai-son', 'an-lac'])).toEqual(
    new Map([
      ['to-1', noon],
      ['yen-the', noon],
      ['mai-son', night],
      ['an-lac', DEFAULT_POLICY],
    ]),
  );
  await units.setPolicy('yen-the', null);
  expect(await units.policy('to-1')).toEqual(night);
  await expect(units.setPolicy('nowhere', null)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a sample file that can not be read is told with its place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loalang-sample-'));
  try {
    const path = join(folder, 'sample.json');
    await writeFile(path, JSON.stringify({ ...sample, units: [{ id: 'x' }] }));
    await expect(readSample(path)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
    await writeFile(path, JSON.stringify(sample));
    expect(await readSample(path)).toEqual(sample);
  } finally {
    await rm(folder, { recursive: true });
  }
});
