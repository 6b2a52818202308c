import { addMs, mediaTime } from '@loalang/shared';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, openPage } from './browser.ts';
import { alignments, decodeFile, peakOf, SAMPLE_RATE } from './compare-audio.ts';
import { makeSpeech, makeTone } from './speech.ts';
import { startSystem, type System } from './system.ts';
import { broadcastsOf, detailOf, heard, libraryOf, MARGIN_MS, signIn } from './village.ts';

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
    await page.getByLabel('Ngày', { exact: true }).selectOption(date);
    await page.getByLabel('Giờ', { exact: true }).fill(clock);
    await page.getByRole('button', { name: `Đặt lịch ${clock} tới 4 loa` }).click();
    await page.getByText('Cả 4 loa phát đủ.').waitFor({ timeout: 150_000 });

    const { startAt, receipts } = await detailOf(page);
    expect(receipts.map(({ state, missedMs }) => ({ state, missedMs }))).toEqual(
      Array.from({ length: 4 }, () => ({ state: 'played', missedMs: 0 })),
    );
    const sent = decodeFile(mp3);
    const durationMs = (sent.length * 1000) / SAMPLE_RATE;
    const lagsMs: number[] = [];
    for (const receiver of receiversOf(CHOSEN)) {
      const sounded = await heard(system, receiver, startAt, durationMs);
      const found = alignments(sent, sounded, { offset: SAMPLE_RATE, maxLagMs: 100 });
      expect(found.length).toBeGreaterThan(4);
      for (const { lagMs, correlation } of found) {
        expect(correlation).toBeGreaterThan(0.85);
        expect(Math.abs(lagMs)).toBeLessThan(20);
        lagsMs.push(lagMs);
      }
      expect(peakOf(sounded.subarray(0, (SAMPLE_RATE * (MARGIN_MS - 50)) / 1000))).toBe(0);
    }
    expect(Math.max(...lagsMs) - Math.min(...lagsMs)).toBeLessThan(20);
    for (const receiver of receiversOf(OTHERS)) {
      expect(peakOf(await heard(system, receiver, startAt, durationMs))).toBe(0);
    }
    expect(errors).toEqual([]);
  });

  test('plays now in three clicks, is heard from the page, and stops everywhere in two', async () => {
    const long = join(folder, 'Nhạc chờ.mp3');
    makeTone(long, 60);
    await page.getByRole('link', { name: 'Hôm nay' }).first().click();
    await page.getByRole('link', { name: 'Phát ngay' }).first().click();
    await page.locator('input[type=file]').setInputFiles(long);
    await page.getByText('Âm lượng tệp đã được cân bằng.').waitFor();
    await page.getByRole('button', { name: 'Phát tới 20 loa' }).click();
    await page.getByText('20 trên 20 loa đang phát.').waitFor({ timeout: 60_000 });

    await page.getByRole('link', { name: 'Cụm loa' }).first().click();
    const recording = page.waitForResponse(
      (response) => response.url().includes('/api/recordings/') && response.ok(),
    );
    await page.getByRole('button', { name: /^Nghe/ }).first().click();
    const ogg = join(folder, 'heard.ogg');
    await writeFile(ogg, await (await recording).body());
    expect(peakOf(decodeFile(ogg))).toBeGreaterThan(0.05);
    await page.getByRole('button', { name: 'Thôi nghe' }).click();

    await page.getByRole('button', { name: 'Dừng tất cả' }).click();
    await page.getByRole('button', { name: 'Dừng ngay' }).click();
    await page.getByText(/^20 loa đã im lúc/).waitFor({ timeout: 10_000 });
    const [stopped] = await broadcastsOf(page);
    expect(stopped?.stoppedAt).not.toBeNull();
    const after = addMs(stopped?.stoppedAt ?? mediaTime(0), 4_000);
    await expect.poll(() => Date.now() * 1000, { timeout: 10_000 }).toBeGreaterThan(after + 2_000_000);
    for (const receiver of receiversOf([...CHOSEN, ...OTHERS])) {
      expect(peakOf(await heard(system, receiver, after, 1_000))).toBe(0);
    }
    expect(errors).toEqual([]);
  });

  test('that is not sound is refused in one sentence, and nothing is left of it', async () => {
    const text = join(folder, 'ghi chú.mp3');
    await writeFile(text, 'Đây không phải là âm thanh.');
    const before = await libraryOf(page);
    await page.getByRole('link', { name: 'Hôm nay' }).first().click();
    await page.getByRole('link', { name: 'Phát ngay' }).first().click();
    await page.locator('input[type=file]').setInputFiles(text);
    await page.getByText('Tệp không phải âm thanh. Dùng mp3, m4a, wav, flac hoặc ogg.').waitFor();
    expect(await libraryOf(page)).toEqual(before);
  });
});
