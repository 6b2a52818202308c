// The real agent while the clocks of its board misbehave: what is heard follows media time and nothing else.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { addMs, type MediaTime, type PlanItem } from '@loalang/shared';
import { Agent } from './agent.ts';
import { systemClock } from './clock/index.ts';
import { Authority, makePlan } from './testing/authority.ts';
import { BenchBoard, TapSink } from './testing/bench-board.ts';
import { StandIn } from './testing/stand-in.ts';
import { bestCorrelation, encodeAsset, rms, sweep } from './testing/voice.ts';

/** The last tenth loses 12 ms of its hundred: the encoder's delay and the fade at the end. */
const LIKENESS = 0.8;

let folder: string;
let platform: StandIn;
const agents: Agent[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-steps-'));
  platform = new StandIn(await Authority.make());
  await platform.startHttp();
  await platform.startBroker();
});

afterEach(async () => {
  vi.useRealTimers();
  for (const agent of agents.splice(0)) await agent.close();
  await platform.close();
  await rm(folder, { recursive: true, force: true });
});

class Rig {
  readonly sink = new TapSink(systemClock);
  readonly board: BenchBoard;
  readonly agent: Agent;
  asleepUs = 0;

  constructor(board = new BenchBoard()) {
    this.board = board;
    this.agent = new Agent({
      dataFolder: folder,
      platformUrl: platform.httpUrl,
      brokerUrl: platform.brokerUrl,
      rootKey: platform.authority.root.public,
      joinCode: 'ABCDEFGH',
      board: this.board,
      sink: this.sink,
      bootUs: () => systemClock.nowUs() + this.asleepUs,
    });
    agents.push(this.agent);
  }
}

async function plan(samples: Float32Array, startAt: MediaTime): Promise<PlanItem> {
  const item = {
    broadcastId: randomBytes(16).toString('hex'),
    title: '',
    priority: 'normal' as const,
    startAt,
    durationMs: samples.length / 48,
    asset: platform.addAsset(await encodeAsset(samples)),
  };
  const signed = await platform.authority.sign('plan', makePlan(1, platform.now(), [item]));
  await platform.tell('plan', signed, true);
  await platform.until('cached', () => platform.statuses.at(-1)?.cached.includes(item.broadcastId) === true);
  return item;
}

async function untilMedia(at: MediaTime): Promise<void> {
  await new Promise<void>((resolve) => {
    systemClock.after(Math.max(0, (at - platform.now()) / 1000), resolve);
  });
}

/** Each tenth of a second is heard within 20 ms of its moment. */
function expectHeard(sink: TapSink, samples: Float32Array, startUs: number): void {
  const heard = sink.heard(startUs - 20_000, samples.length / 48 + 40);
  for (let at = 0; at + 4_800 <= samples.length; at += 4_800) {
    const window = heard.subarray(at, at + 4_800 + 1_920);
    const { value, shift } = bestCorrelation(samples.subarray(at, at + 4_800), window, 1_919);
    expect(value).toBeGreaterThan(LIKENESS);
    expect(Math.abs(shift - 960) / 48).toBeLessThan(20);
  }
}

test.each([
  ['an hour ahead', 3_600_000],
  ['an hour back', -3_600_000],
  ['a second back, as for a leap', -1_000],
  ['a second ahead', 1_000],
])(
  'the clocks of the system and of the battery jump %s while a broadcast sounds: nothing of it is heard',
  async (_, jumpMs) => {
    const rig = new Rig();
    await rig.agent.start();
    await platform.until('in step', () => platform.statuses.at(-1)?.clock.state === 'in-step');
    const samples = sweep(2_000);
    const item = await plan(samples, addMs(platform.now(), 3_500));
    const startUs = systemClock.nowUs() + (item.startAt - platform.now());
    await untilMedia(addMs(item.startAt, 500));
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime(new Date(Date.now() + jumpMs));
    if (rig.board.rtc !== null) rig.board.rtc.offsetMs += jumpMs;
    await untilMedia(addMs(item.startAt, 1_000));
    vi.setSystemTime(new Date(Date.now() - 2 * jumpMs));
    await platform.until('proved', () => platform.proofs.length > 0, 25_000);
    expectHeard(rig.sink, samples, startUs);
    expect(platform.proofs[0]?.frames).toEqual({ played: 100, concealed: 0, missed: 0 });
  },
  60_000,
);

test('after a sleep it goes on where the clock says now, asks at once, and is in step again', async () => {
  const rig = new Rig();
  await rig.agent.start();
  await platform.until('in step', () => platform.statuses.at(-1)?.clock.state === 'in-step');
  // Nobody sleeps here: the board is told that it did, and believes it until the platform says otherwise.
  const before = rig.agent.mediaTimeAt(systemClock.nowUs()) ?? 0;
  const atUs = systemClock.nowUs();
  platform.answersTime = false;
  rig.asleepUs += 2_000_000;
  await platform.until('not in step', () => platform.statuses.at(-1)?.clock.state === 'hour-known');
  const aheadUs = (rig.agent.mediaTimeAt(atUs) ?? 0) - before;
  expect(Math.abs(aheadUs - 2_000_000)).toBeLessThan(20_000);
  expect(platform.statuses.at(-1)?.clock.uncertaintyUs).toBeGreaterThan(1_000_000);
  platform.answersTime = true;
  await platform.until('in step', () => platform.statuses.at(-1)?.clock.state === 'in-step', 30_000);
  const nowUs = systemClock.nowUs();
  expect(Math.abs((rig.agent.mediaTimeAt(nowUs) ?? 0) - platform.now())).toBeLessThan(50_000);
}, 60_000);

test('a board without a battery-backed clock stays silent after a power cut until it is told the time', async () => {
  const first = new Rig(new BenchBoard(null));
  await first.agent.start();
  await platform.until('in step', () => platform.statuses.at(-1)?.clock.state === 'in-step');
  const item = await plan(sweep(500), addMs(platform.now(), 4_000));
  await platform.stopBroker();
  platform.answersTime = false;
  await first.agent.close();
  const second = new Rig(new BenchBoard(null));
  await second.agent.start();
  await untilMedia(addMs(item.startAt, 700));
  expect(second.agent.mediaTimeAt(systemClock.nowUs())).toBeNull();
  expect(rms(second.sink.heard(systemClock.nowUs() - 2e6, 2_000))).toBe(0);
  const seen = platform.statuses.length;
  platform.answersTime = true;
  await platform.startBroker();
  await platform.until('well', () => platform.statuses.length > seen, 30_000);
  await platform.until('in step', () => platform.statuses.at(-1)?.clock.state === 'in-step', 30_000);
  expect(platform.statuses.at(-1)?.faults).toEqual([]);
}, 90_000);
