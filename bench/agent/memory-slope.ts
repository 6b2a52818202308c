import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { theilSenSlope } from '../measure/slope.ts';
import { ROOT } from '../rig/children.ts';
import type { MemorySample } from './long-play.ts';

/** The collector and the code settle first: what comes before this share of the hours does not count. */
const WARM_UP_SHARE = 0.1;

export interface MemoryStory {
  readonly samples: readonly MemorySample[];
  readonly slopeMBPerHour: number;
}

/** Plays so many hours faster than time, in a process of its own. */
export async function playHours(hours: number): Promise<MemoryStory> {
  const child = fork(join(ROOT, 'bench/agent/long-play.ts'), [String(hours)], {
    execArgv: ['--expose-gc', '--import', 'tsx'],
  });
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const samples: MemorySample[] = [];
  child.on('message', (sample: MemorySample) => samples.push(sample));
  await once(child, 'exit');
  process.off('exit', end);
  if (child.exitCode !== 0) throw new Error('the long play broke off');
  const settled = samples.filter(({ atHours }) => atHours >= WARM_UP_SHARE * hours);
  return {
    samples,
    slopeMBPerHour: theilSenSlope(settled.map(({ atHours, rssMB }) => [atHours, rssMB])),
  };
}
