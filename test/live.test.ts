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
let voice: string;
let signedIn: Page;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-live-'));
  voice = join(folder, 'voice.wav');
  makeSpeech(voice);
  system = await startSystem();
  browser = await openBrowser({ microphoneWav: voice });
  ({ page: signedIn } = await openPage(browser, system.signInUrl ?? ''));
  await signIn(signedIn);
});

afterAll(async () => {
  await browser?.close();
  await system?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Speaks for six seconds to the two receivers of a commune, and gives the page of that broadcast. */
async function speak(page: Page, place: string): Promise<void> {
  await page.goto(new URL('/noi-truc-tiep', system.url).href);
  await page.getByText(`${place}, 2 loa`).click();
  await page.getByRole('button', { name: 'Bắt đầu nói tới 2 loa' }).click();
  await page.getByText('2/2 loa có tiếng').waitFor({ timeout: 30_000 });
  await page.waitForTimeout(6_000);
  await page.getByRole('button', { name: 'Kết thúc phát' }).click();
  await page.getByRole('link', { name: 'Xem loa nào đã phát' }).click();
  await page.getByText('Cả 2 loa phát đủ').waitFor({ timeout: 30_000 });
}

async function expectHeard(page: Page, unitId: string): Promise<void> {
  const { startAt, receipts } = await detailOf(page);
  for (const { playedMs } of receipts) expect(playedMs).toBeGreaterThan(5_000);
  const source = decodeFile(voice);
  for (const number of [1, 2]) {
    const windows = likeness(source, await heard(system, { unitId, number }, startAt, 6_000));
    const alike = windows.filter((correlation) => correlation > 0.85);
    expect(windows.length).toBeGreaterThan(8);
    expect(alike.length).toBeGreaterThan(windows.length / 2);
  }
  expect(peakOf(await heard(system, { unitId: 'minh-xuan', number: 1 }, startAt, 8_000))).toBe(0);
}

describe('a voice, from an operator’s microphone to the villages', { timeout: 180_000 }, () => {
  test('is heard by the chosen receivers, by no other, and ends when the speaker ends', async () => {
    await speak(signedIn, 'Xã Mai Sơn');
    await expectHeard(signedIn, 'mai-son');
  });

  test('is sooner or surer as the speaker wishes, and balanced without a click', async () => {
    await signedIn.goto(new URL('/noi-truc-tiep', system.url).href);
    await signedIn.getByText('Xã An Lạc, 2 loa').click();
    // Nobody has spoken there for a minute yet, so it is what holds at first.
    const balanced = signedIn.getByLabel('Cân bằng, 1,2 giây');
    await expect.poll(() => balanced.isChecked(), { timeout: 30_000 }).toBe(true);
    await signedIn.getByText('Chắc chắn, 2,5 giây').click();
    await signedIn.getByRole('button', { name: 'Bắt đầu nói tới 2 loa' }).click();
    await signedIn.getByText('Loa phát chậm hơn lời nói 2,5 giây.').waitFor({ timeout: 30_000 });
    await signedIn.getByRole('button', { name: 'Kết thúc phát' }).click();
    await signedIn.getByText('Đã kết thúc phát.').waitFor();
  });

  test('is heard from a browser without WebCodecs too', async () => {
    const { page } = await openPage(browser, system.url, { initScript: 'delete window.AudioEncoder' });
    await page.context().addCookies(await signedIn.context().cookies());
    await speak(page, 'Xã Tô Mậu');
    await expectHeard(page, 'to-mau');
  });

  test('brings nobody of ours to a limit of the broker', async () => {
    const counted = await (await fetch(system.metricsUrl)).text();
    expect(counted).toContain('loalang_broker_sessions{role="device"} 20\n');
    expect(
      counted.split('\n').filter((line) => /^loalang_broker_(limits_hit|\w+_refused)\w*\{/.test(line)),
    ).toEqual([]);
  });
});
