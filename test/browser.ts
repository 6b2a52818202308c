import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Set-up has seen to it that PATH has one. */
function chromiumOnPath(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, 'chromium')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('chromium is missing: apt-get install chromium');
  return found;
}

/** Chromium of the system, headless and on its own; a WAV file stands for the microphone where one is given. */
export async function openBrowser(options: { microphoneWav?: string } = {}): Promise<Browser> {
  const microphone =
    options.microphoneWav === undefined ? [] : [`--use-file-for-fake-audio-capture=${options.microphoneWav}`];
  return chromium.launch({
    executablePath: chromiumOnPath(),
    args: [
      '--no-sandbox',
      '--lang=vi-VN',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--mute-audio',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-background-timer-throttling',
      '--disable-backgrounding-occluded-windows',
      '--disable-renderer-backgrounding',
      ...microphone,
    ],
  });
}

/**
 * A page of a fresh visitor in Vietnam; what the page throws or logs as an error is collected in `errors`. The script runs
 * before the page's own.
 */
export async function openPage(
  browser: Browser,
  url: string,
  options: { initScript?: string } = {},
): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({
    locale: 'vi-VN',
    timezoneId: 'Asia/Ho_Chi_Minh',
    permissions: ['microphone'],
    viewport: { width: 1440, height: 900 },
  });
  if (options.initScript !== undefined) await context.addInitScript({ content: options.initScript });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url);
  return { page, errors };
}
