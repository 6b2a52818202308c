import { generateSigningKey } from '@loalang/shared/signing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readConfiguration } from './configuration.ts';
import { mild4g } from './network/profile.ts';

const folder = mkdtempSync(join(tmpdir(), 'configuration-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const device = { unitId: 'an-lac', number: 2, name: 'Nhà văn hóa', joinCode: 'ABCDEFGH' };
const environment = {
  LOALANG_DATA: 'receivers',
  LOALANG_PLATFORM_URL: 'http://127.0.0.1:8080',
  LOALANG_BROKER_URL: 'mqtt://127.0.0.1:1883',
  LOALANG_ROOT_KEY: generateSigningKey().public,
  LOALANG_SAMPLE: write('sample.json', JSON.stringify({ units: [], devices: [device] })),
};

test('a whole environment becomes a configuration with the mild network', () => {
  expect(readConfiguration(environment, [])).toEqual({
    dataFolder: 'receivers',
    platformUrl: 'http://127.0.0.1:8080',
    brokerUrl: 'mqtt://127.0.0.1:1883',
    rootKey: environment.LOALANG_ROOT_KEY,
    devices: [device],
    network: mild4g,
  });
});

test('a recorded radio takes the place of the steady rate in its direction', () => {
  const file = write('down.trace', '3\n5\n9\n');
  const { network } = readConfiguration(environment, ['--trace-down', file]);
  expect(network).toEqual({
    up: mild4g.up,
    down: {
      ...mild4g.down,
      capacity: { kind: 'trace', trace: { opportunitiesMs: [3, 5, 9], periodMs: 9 } },
    },
  });
});

const badSample = (part: object): string =>
  write('bad.json', JSON.stringify({ devices: [{ ...device, ...part }] }));

test.each([
  ['LOALANG_DATA', { LOALANG_DATA: '' }],
  ['LOALANG_PLATFORM_URL', { LOALANG_PLATFORM_URL: 'https://loa.example' }],
  ['LOALANG_BROKER_URL', { LOALANG_BROKER_URL: 'nowhere' }],
  ['LOALANG_ROOT_KEY', { LOALANG_ROOT_KEY: 'short' }],
  ['LOALANG_SAMPLE', { LOALANG_SAMPLE: join(folder, 'missing.json') }],
])('a wrong %s is named', (variable, part) => {
  expect(() => readConfiguration({ ...environment, ...part }, [])).toThrow(
    `CONFIGURATION_INVALID: The configuration is wrong at ${variable}:`,
  );
});

test.each([
  ['a folder that leads elsewhere', { unitId: '../up' }],
  ['a join code with letters that are read out wrongly', { joinCode: 'ABCDEFGO' }],
  ['a number from nowhere', { number: 0 }],
])('a sample with %s is refused', (_what, part) => {
  const LOALANG_SAMPLE = badSample(part);
  expect(() => readConfiguration({ ...environment, LOALANG_SAMPLE }, [])).toThrow('LOALANG_SAMPLE');
});

test('a trace that is none is named', () => {
  const file = write('up.trace', 'fast\n');
  expect(() => readConfiguration(environment, ['--trace-up', file])).toThrow('--trace-up');
});
