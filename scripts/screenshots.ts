import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { openBrowser, openPage } from '../test/browser.ts';
import { makeSpeech, makeTone } from '../test/speech.ts';
import { startSystem } from '../test/system.ts';
import { signIn } from '../test/village.ts';

/** The pictures of docs/images: every page of the running console, on a laptop and on a phone. */
const images = fileURLToPath(new URL('../docs/images/', import.meta.url));
const sizes = [
  { name: '1440', viewport: { width: 1440, height: 900 } },
  { name: '390', viewport: { width: 390, height: 844 } },
];

await mkdir(images, { recursive: true });
const folder = await mkdtemp(join(tmpdir(), 'loalang-images-'));
const notice = join(folder, 'Thông báo mưa lũ.mp3');
const music = join(folder, 'Thời sự chiều.mp3');
const voice = join(folder, 'voice.wav');
makeSpeech(notice);
makeSpeech(voice);
makeTone(music, 600);
const system = await startSystem();
const browser = await openBrowser({ microphoneWav: voice });
try {
  const { page: stranger } = await openPage(browser, system.url);
  await stranger.getByRole('button', { name: 'Đăng nhập' }).waitFor();
  await take(stranger, 'dang-nhap');
  const { page } = await openPage(browser, system.signInUrl ?? '');
  await signIn(page);
  await show(page);
} finally {
  await browser.close();
  await system.close();
  await rm(folder, { recursive: true, force: true });
}

async function show(page: Page): Promise<void> {
  await send(page, 'Phát ngay', notice);
  await page.getByText('Cả 20 loa phát đủ.').waitFor({ timeout: 90_000 });
  await take(page, 'ban-tin');
  await send(page, 'Thêm vào lịch', notice, async () => {
    await page.getByText('Xã Lâm Thượng, 2 loa').click();
    await page.getByLabel('Giờ', { exact: true }).fill(inMinutes(40));
    await take(page, 'lich');
  });
  await send(page, 'Phát ngay', music, () => take(page, 'phat-ngay'));
  await page.getByText('20 trên 20 loa đang phát.').waitFor({ timeout: 60_000 });
  await open(page, 'Cụm loa');
  await take(page, 'cum-loa');
  await addLoudspeaker(page);
  await open(page, 'Hôm nay');
  await take(page, 'hom-nay');
  await speak(page);
  await page.goto(new URL('/thiet-lap', page.url()).href);
  await page.getByRole('heading', { name: 'Thiết lập' }).waitFor();
  await take(page, 'thiet-lap');
}

/** Up to the last button: a board that waits is shown, and none is added. */
async function addLoudspeaker(page: Page): Promise<void> {
  const board = { code: '47190362', key: 'A'.repeat(43), model: 'Raspberry Pi 4 Model B Rev 1.5' };
  await fetch(new URL('/device/join', page.url()), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...board, serial: '10000000a3f1c2d4' }),
  });
  await page.getByRole('link', { name: 'Thêm cụm loa' }).click();
  await page.getByLabel('Mã loa vừa đọc').fill('4719 0362');
  await take(page, 'them-cum-loa-ma');
  await page.getByRole('button', { name: 'Tìm loa' }).click();
  await page.getByText('Đã tìm thấy loa').waitFor();
  await page.getByLabel('Loa thuộc').selectOption({ label: 'Xã Lâm Thượng' });
  await page.getByLabel('Tên chỗ đặt').fill('Nhà văn hóa thôn Tông Cại');
  await take(page, 'them-cum-loa');
}

async function speak(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Nói trực tiếp' }).click();
  await page.getByText('Xã Mai Sơn, 2 loa').click();
  await page.getByText('Tiếng vừa, giọng rõ').first().waitFor();
  await take(page, 'noi-truc-tiep');
  await page.getByRole('button', { name: 'Bắt đầu nói tới 2 loa' }).click();
  await page.getByText('2/2 loa có tiếng').waitFor({ timeout: 30_000 });
  await take(page, 'dang-noi');
  await page.getByRole('button', { name: 'Kết thúc phát' }).click();
  await page.getByText('Đã kết thúc phát.').waitFor();
}

async function open(page: Page, place: string): Promise<void> {
  await page.getByRole('link', { name: place }).first().click();
  await page.getByRole('heading', { name: place, exact: true }).waitFor();
}

/** Fills the form with a file for everybody, lets `look` do more, and confirms. */
async function send(page: Page, verb: string, file: string, look?: () => Promise<void>): Promise<void> {
  await open(page, 'Hôm nay');
  await page.getByRole('link', { name: verb }).first().click();
  await page.locator('input[type=file]').setInputFiles(file);
  await page.getByText('Âm lượng tệp đã được cân bằng.').waitFor({ timeout: 60_000 });
  await look?.();
  await page.getByRole('button', { name: /^(Phát tới|Đặt lịch)/ }).click();
  await page.waitForURL('**/ban-tin/**');
}

async function take(page: Page, name: string): Promise<void> {
  for (const size of sizes) {
    await page.setViewportSize(size.viewport);
    await page.evaluate('scrollTo(0, 0)');
    // Two frames: the page has taken its new width and drawn it.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    await page.screenshot({ path: join(images, `${name}-${size.name}.png`), animations: 'disabled' });
  }
  await page.setViewportSize(sizes[0]?.viewport ?? { width: 1440, height: 900 });
}

/** Vietnam's clock so many minutes from now. */
function inMinutes(minutes: number): string {
  return new Date(Date.now() + (7 * 60 + minutes) * 60_000).toISOString().slice(11, 16);
}
