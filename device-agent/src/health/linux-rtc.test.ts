import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LinuxRtc } from './linux-rtc.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loalang-rtc-'));
  mkdirSync(join(folder, 'rtc0'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function find(hwclock = 'hwclock'): LinuxRtc | null {
  return LinuxRtc.find({ sysfs: join(folder, 'rtc0'), device: '/dev/rtc0', hwclock });
}

/** A program in the place of hwclock that writes down how it was called. */
function makeHwclock(exitCode: number): string {
  const path = join(folder, 'hwclock');
  writeFileSync(path, `#!/bin/sh\necho "$TZ $*" > "${folder}/called"\nexit ${exitCode}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('a board without the file has none', () => {
  expect(find()).toBeNull();
});

test('it is read in whole seconds, and says nothing where the chip answers with an error', () => {
  const file = join(folder, 'rtc0', 'since_epoch');
  writeFileSync(file, '1790000000\n');
  const rtc = find();
  expect(rtc?.readMs()).toBe(1_790_000_000_000);
  rmSync(file);
  expect(rtc?.readMs()).toBeNull();
});

test('it is set in UTC, without touching the drift that the system keeps', async () => {
  writeFileSync(join(folder, 'rtc0', 'since_epoch'), '0\n');
  await find(makeHwclock(0))?.setMs(1_790_000_000_700);
  expect(readFileSync(join(folder, 'called'), 'utf8').trim()).toBe(
    'UTC --utc --noadjfile --rtc /dev/rtc0 --set --date 2026-09-21 14:13:21',
  );
  await expect(find(makeHwclock(1))?.setMs(0)).rejects.toThrow();
});
