import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scenes, type SceneName } from '../bench/hostile/scene.ts';
import { BrokerProcess } from '../bench/rig/broker-process.ts';
import { Children } from '../bench/rig/children.ts';
import { needOpenFiles } from '../bench/rig/open-files.ts';

/**
 * A broker in a process of its own, a thousand clients that mean it no good, and one healthy pair. Bounds are generous:
 * without the limits the growth is hundreds of megabytes, and goes on.
 */

const COUNT = 1_000;
const HALF_MS = 3_000;
const MAX_GROWTH_MB = 200;
const MAX_LATER_GROWTH_MB = 60;
const MAX_SILENCE_MS = 5_000;

let children: Children;

beforeEach(() => {
  children = new Children();
});
afterEach(async () => {
  await children.close();
});

describe('memory stays where it is, and a healthy client is served, while', { timeout: 180_000 }, () => {
  const told: readonly { name: SceneName; what: string }[] = [
    { name: 'frozen', what: 'a thousand receivers read nothing' },
    { name: 'halfOpen', what: 'a thousand connections say half a CONNECT' },
    { name: 'guesses', what: 'sign-ins fail as fast as they can be made' },
  ];
  test.each(told)('$what', async ({ name }) => {
    needOpenFiles(2 * COUNT + 100);
    const broker = await BrokerProcess.start(children);
    const witness = await broker.witness(children);
    const seen = await scenes[name]({ children, broker, witness, count: COUNT, halfMs: HALF_MS });
    expect(Math.max(seen.firstMB, seen.secondMB) - seen.beforeMB).toBeLessThan(MAX_GROWTH_MB);
    expect(seen.secondMB - seen.firstMB).toBeLessThan(MAX_LATER_GROWTH_MB);
    expect(seen.worstMs).toBeLessThan(MAX_SILENCE_MS);
  });
});
