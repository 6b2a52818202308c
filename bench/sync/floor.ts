import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PairOffsets } from '../measure/pair-offset.ts';
import type { Rig } from '../rig/players.ts';
import { until } from '../rig/two-cards.ts';
import { spreadOf, type Spread } from './spread.ts';

const FLOOR_SECONDS = 20;
const SETTLE_S = 2;

/** What recording and comparison themselves add: one player's sample in both channels of the card. */
export async function measureFloor({ cards, children, folder, samples }: Rig): Promise<Spread> {
  const raw = join(folder, 'floor.raw');
  writeFileSync(raw, samples);
  await cards.record();
  const format = ['--raw', '--format=s16le', '--rate=48000', '--channels=1'];
  const player = children.start('pacat', [...format, raw], {
    env: { ...process.env, ...cards.environmentOf('card') },
    stdio: 'ignore',
  });
  await until('the null test', () => cards.recordedS >= FLOOR_SECONDS, 60_000);
  const { left, right } = await cards.take(SETTLE_S);
  await children.end(player);
  return spreadOf(new PairOffsets().measure(left, right), 0);
}
