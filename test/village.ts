import { soundOf } from '@loalang/firmware-sim';
import {
  addMs,
  audioSchema,
  broadcastDetailSchema,
  todaySchema,
  type Broadcast,
  type BroadcastDetail,
  type MediaTime,
} from '@loalang/shared';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { System } from './system.ts';

/** Where the recordings of a simulated receiver lie. */
function recordings(system: System, unitId: string, number: number): string {
  return join(system.data, 'receivers', `${unitId}-${number}`, 'recordings');
}

/** What a receiver sounded from one second before a moment until one second after the span's end. */
export async function heard(
  system: System,
  receiver: { unitId: string; number: number },
  from: MediaTime,
  durationMs: number,
): Promise<Float32Array> {
  const folder = recordings(system, receiver.unitId, receiver.number);
  return soundOf(folder, addMs(from, -MARGIN_MS), durationMs + 2 * MARGIN_MS);
}

export const MARGIN_MS = 1000;

/** Signs in with the one-time link of the screen and leaves the password for later. */
export async function signIn(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Để sau' }).click();
  await page.getByRole('heading', { name: 'Hôm nay', exact: true }).waitFor();
}

/** The broadcast of the page that is open, as the API tells it to this page's session. */
export async function detailOf(page: Page): Promise<BroadcastDetail> {
  const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  const answer = await page.request.get(new URL(`/api/broadcasts/${id}`, page.url()).href);
  expect(answer.status()).toBe(200);
  return broadcastDetailSchema.parse(await answer.json());
}

/** The broadcasts of today for this page's session, the newest first. */
export async function broadcastsOf(page: Page): Promise<Broadcast[]> {
  const answer = await page.request.get(new URL('/api/today', page.url()).href);
  return todaySchema.parse(await answer.json()).broadcasts.toReversed();
}

/** The titles in the library. */
export async function libraryOf(page: Page): Promise<string[]> {
  const answer = await page.request.get(new URL('/api/audio', page.url()).href);
  return z
    .array(audioSchema)
    .parse(await answer.json())
    .map(({ title }) => title);
}
