import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, openPage } from './browser.ts';
import { align, decodeFile, peakOf, SAMPLE_RATE } from './compare-audio.ts';
import { makeSpeech } from './speech.ts';
import { startSystem, type System } from './system.ts';
import { detailOf, heard, MARGIN_MS, signIn } from './village.ts';

const CHOSEN = ['lam-thuong', 'muong-lai'];
const OTHERS = ['yen-the', 'an-lac', 'dong-quan', 'khanh-hoa', 'lieu-do', 'mai-son', 'minh-xuan', 'to-mau'];
const receiversOf = (units: readonly string[]) =>
  units.flatMap((unitId) => [1, 2].map((number) => ({ unitId, number })));

let folder: string;
let system: System;
let browser: Browser;
let page: Page;
let errors: string[];
let mp3: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-spine-'));
  mp3 = join(folder, 'Thông báo mưa lũ.mp3');
  makeSpeech(mp3);
  system = await startSystem();
  browser = await openBrowser();
  ({ page, errors } = await openPage(browser, system.signInUrl ?? ''));
  await signIn(page);
  // A stranger's page is told 401 once, and the browser logs it.
  errors.length = 0;
});

afterAll(async () => {
  await browser?.close();
  await system?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The next whole minute in Vietnam that leaves the receivers at least 15 s to fetch the file. */
function nextMinute(): { date: string; clock: string } {
  const at = new Date(Math.ceil((Date.now() + 15_000) / 60_000) * 60_000 + 7 * 3_600_000).toISOString();
  return { date: at.slice(0, 10), clock: at.slice(11, 16) };
}

describe('a file, from an operator’s browser to the villages', { timeout: 240_000 }, () => {
  test('is uploaded, scheduled for two communes, played by their receivers alone, on time, and proved', async () => {
    await page.getByRole('link', { name: 'Thêm vào lịch' }).first().click();
    await page.locator('input[type=file]').setInputFiles(mp3);
    await page.getByText('Âm lượng tệp đã được cân bằng.').waitFor();
    await page.getByText('Xã Lâm Thượng, 2 loa').click();
    await page.getByText('Xã Mường Lai, 2 loa').click();
    const { date, clock } = nextMinute();
    await page.locator('input[type=date]').fill(date);
    await page.locator('input[type=time]').fill(clock);
    await page.getByRole('button', { name: `Đặt lịch ${clock} tới 4 loa` }).click();
    await page.getByText('Cả 4 loa phát đủ.').waitFor({ timeout: 150_000 });

    const { startAt, receipts } = await detailOf(page);
    expect(receipts.map(({ state, missedMs }) => ({ state, missedMs }))).toEqual(
      Array.from({ length: 4 }, () => ({ state: 'played', missedMs: 0 })),
    );
    const sent = decodeFile(mp3);
    const durationMs = (sent.length * 1000) / SAMPLE_RATE;
    for (const receiver of receiversOf(CHOSEN)) {
      const sounded = await heard(system, receiver, startAt, durationMs);
      const { lagMs, correlation } = align(sent, sounded, { offset: SAMPLE_RATE, maxLagMs: 100 });
      expect(correlation).toBeGreaterThan(0.9);
      expect(Math.abs(lagMs)).toBeLessThan(20);
      expect(peakOf(sounded.subarray(0, (SAMPLE_RATE * (MARGIN_MS - 50)) / 1000))).toBe(0);
    }
    for (const receiver of receiversOf(OTHERS)) {
      expect(peakOf(await heard(system, receiver, startAt, durationMs))).toBe(0);
    }
    expect(errors).toEqual([]);
  });
});
