import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { overhangOf, violationsOf } from '../accessible.ts';
import { openBrowser, openPage } from '../browser.ts';
import { signIn } from '../village.ts';
import { Station } from './station.ts';

const UI = fileURLToPath(new URL('../../web-console/ui/dist', import.meta.url));
/** Pictures of each step, where somebody wants to look. */
const PICTURES = process.env['LOALANG_PICTURES'];

let station: Station;
let browser: Browser;

beforeAll(async () => {
  station = await Station.start(UI);
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await station.close();
});

/** A board that shows a code by hand: nothing of it is heard. */
async function showBoard(code: string, key: string): Promise<void> {
  const answer = await fetch(`${station.url}/device/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      code,
      key: key.repeat(43),
      model: 'Raspberry Pi 4 Model B',
      serial: '10000000a3f1c2d4',
    }),
  });
  expect(await answer.json()).toEqual({ state: 'waiting' });
}

async function shownCode(disk: string): Promise<string> {
  for (;;) {
    const text = await readFile(station.file(disk, 'join-code'), 'utf8').catch(() => null);
    if (text !== null) return text.trim();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe.each([
  { name: 'a laptop', width: 1440, height: 900 },
  { name: 'a phone', width: 390, height: 844 },
])('on $name', ({ name, width, height }) => {
  let page: Page;
  let errors: string[];

  beforeAll(async () => {
    const { id } = await station.officer();
    const link = `${station.url}/vao?ma=${await station.scheduler.people.createLink(id)}`;
    ({ page, errors } = await openPage(browser, link));
    await signIn(page);
    await page.setViewportSize({ width, height });
  });

  /** The page as it is now is for everybody. */
  async function expectGood(step: string): Promise<void> {
    expect(await violationsOf(page)).toEqual([]);
    expect(await overhangOf(page)).toBe(0);
    if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${step}-${width}.png` });
  }

  test('an officer adds a loudspeaker and sees it come', async () => {
    const disk = `new ${width}`;
    await station.startAgent(disk, `S-${width}`);
    await page.getByRole('link', { name: 'Cụm loa' }).first().click();
    await page.getByRole('heading', { name: 'Cụm loa', exact: true }).waitFor();
    await expectGood('cum-loa');
    await page.getByRole('link', { name: 'Thêm cụm loa' }).click();
    const field = page.getByLabel('Mã loa vừa đọc');
    await field.fill('1234');
    await page.getByRole('button', { name: 'Tìm loa' }).click();
    await page.getByText('Mã có 8 số, anh/chị đã nhập 4.').waitFor();
    await field.fill('4719 036*');
    await page.getByRole('button', { name: 'Tìm loa' }).click();
    await page.getByText('Mã chỉ có 8 số, không có dấu.').waitFor();
    await field.fill('9999 9999');
    await page.getByRole('button', { name: 'Tìm loa' }).click();
    await page.getByText('Không có loa nào đang chờ với mã này.').waitFor();
    await expectGood('them-sai');
    // As it is written on paper: in groups, and with the letter for the digit.
    const code = await shownCode(disk);
    await field.fill(`${code.slice(0, 4)} ${code.slice(4)}`.replaceAll('0', 'o'));
    await page.getByRole('button', { name: 'Tìm loa' }).click();
    await page.getByText('Đã tìm thấy loa').waitFor();
    await page.getByText(`S-${width}`).waitFor();
    await page.getByRole('button', { name: 'Thêm cụm loa' }).click();
    await page.getByText('Chọn nơi đặt loa.').last().waitFor();
    await page.getByLabel('Loa thuộc').selectOption({ label: 'Thôn Tông Cại' });
    await page.getByLabel('Tên chỗ đặt').fill('Nhà văn hóa');
    await expectGood('them-cho-dat');
    await page.getByRole('button', { name: /^Thêm Loa \d+ Nhà văn hóa$/ }).click();
    await page.getByText('Loa đang vào mạng').waitFor();
    await expectGood('them-dang-vao');
    await page.getByText('Loa đã vào mạng', { exact: true }).waitFor({ timeout: 40_000 });
    await expectGood('them-xong');
    await page.getByRole('link', { name: 'Xem loa này' }).click();
    await page.getByRole('heading', { name: /^Loa \d+ Nhà văn hóa/ }).waitFor();
    await expectGood('loa');
  }, 90_000);

  test('an officer exchanges its board: the page shows which before anything happens', async () => {
    const code = width === 390 ? '47190362' : '47190363';
    await showBoard(code, width === 390 ? 'A' : 'B');
    await page.getByRole('button', { name: 'Nhập mã của máy mới' }).click();
    await page.getByLabel('Mã loa vừa đọc').fill(code);
    await page.getByRole('button', { name: 'Tìm loa' }).click();
    await page.getByText('10000000a3f1c2d4').waitFor();
    await expectGood('thay');
    await page.getByRole('button', { name: 'Không phải loa này' }).click();
    await page.getByLabel('Mã loa vừa đọc').waitFor();
  });

  test('an officer takes it out of service, after one question, and reads what became of it', async () => {
    await page.getByRole('button', { name: 'Ngừng dùng loa này' }).click();
    const question = page.getByRole('dialog', { name: /^Ngừng dùng Loa/ });
    await question.waitFor();
    await expectGood('ngung-hoi');
    await question.getByRole('button', { name: /^Ngừng dùng Loa/ }).click();
    await page.getByText('đã ngừng dùng và đã xác nhận xóa hết.').waitFor({ timeout: 20_000 });
    await expectGood('ngung-xong');
    // The browser logs each refusal: before the sign-in, and of the wrong code.
    const thrown = errors.filter((text) => !text.startsWith('Failed to load resource'));
    expect(thrown, `on ${name}`).toEqual([]);
  }, 60_000);
});
