import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, openPage } from './browser.ts';
import { decodeFile, likeness, peakOf } from './compare-audio.ts';
import { makeSpeech } from './speech.ts';
import { startSystem, type System } from './system.ts';
import { detailOf, heard, signIn } from './village.ts';

let folder: string;
let system: System;
let browser: Browser;
let page: Page;
let voice: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-live-'));
  voice = join(folder, 'voice.wav');
  makeSpeech(voice);
  system = await startSystem();
  browser = await openBrowser({ microphoneWav: voice });
  ({ page } = await openPage(browser, system.signInUrl ?? ''));
  await signIn(page);
});

afterAll(async () => {
  await browser?.close();
  await system?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a voice, from an operator’s microphone to the villages', { timeout: 180_000 }, () => {
  test('is heard by the chosen receivers, by no other, and ends when the speaker ends', async () => {
    await page.getByRole('link', { name: 'Nói trực tiếp' }).click();
    await page.getByText('Xã Mai Sơn, 2 loa').click();
    await page.getByRole('button', { name: 'Bắt đầu nói tới 2 loa' }).click();
    await page.getByText('2/2 loa có tiếng').waitFor({ timeout: 30_000 });
    await page.waitForTimeout(6_000);
    await page.getByRole('button', { name: 'Kết thúc phát' }).click();
    await page.getByRole('link', { name: 'Xem loa nào đã phát' }).click();
    await page
      .getByText('2 trên 2 loa phát đủ')
      .or(page.getByText('Cả 2 loa phát đủ'))
      .waitFor({ timeout: 30_000 });

    const { startAt, receipts } = await detailOf(page);
    const source = decodeFile(voice);
    for (const { playedMs } of receipts) expect(playedMs).toBeGreaterThan(5_000);
    for (const number of [1, 2]) {
      const sounded = await heard(system, { unitId: 'mai-son', number }, startAt, 6_000);
      const windows = likeness(source, sounded);
      const alike = windows.filter((correlation) => correlation > 0.85);
      expect(windows.length).toBeGreaterThan(8);
      expect(alike.length).toBeGreaterThan(windows.length / 2);
    }
    expect(peakOf(await heard(system, { unitId: 'minh-xuan', number: 1 }, startAt, 8_000))).toBe(0);
  });
});
