import { describe, expect, it } from 'vitest';
import { AlsaSink } from './alsa-sink.ts';
import { stampWithin, timespecUs } from './alsa-pcm.ts';
import { PcmError } from './pcm.ts';
import type { Pcm } from './pcm.ts';
import { FakePcm, HandClock } from './test-rig.ts';

/** A sink on fake cards, rendering a signal that tells the moment for which it was asked. */
class Bench {
  readonly clock = new HandClock();
  readonly health: (string | null)[] = [];
  readonly asked: { heardAtUs: number; pace: number }[] = [];
  readonly opened: string[] = [];
  isRealTime = true;
  /** What the next attempts to open meet; the last one stays. */
  readonly cards: (Pcm | PcmError | Promise<Pcm>)[] = [];
  readonly sink: AlsaSink;

  constructor(...cards: (Pcm | PcmError | Promise<Pcm>)[]) {
    this.cards.push(...cards);
    this.sink = new AlsaSink({
      device: 'card',
      clock: this.clock,
      random: () => 0,
      raisePriority: () => Promise.resolve(this.isRealTime),
      openPcm: (device) => this.#open(device),
    });
  }

  async start(): Promise<void> {
    await this.sink.start(
      (heardAtUs, out, pace = 1) => {
        this.asked.push({ heardAtUs, pace });
        out.fill(0.5);
      },
      (failure) =>
        this.health.push(failure instanceof PcmError ? failure.code : failure === null ? null : '?'),
    );
    await this.settle();
  }

  async run(ms: number): Promise<void> {
    for (let done = 0; done < ms; done += 10) {
      this.clock.advance(10);
      await this.settle();
    }
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
  }

  async #open(device: string): Promise<Pcm> {
    this.opened.push(device);
    const next = (this.cards.length > 1 ? this.cards.shift() : this.cards[0]) ?? new PcmError('ENOENT', '');
    if (next instanceof PcmError) throw next;
    return next;
  }
}

/** The moments at which sound (not silence) began, from the truth of the card. */
function soundsOf(card: FakePcm): { from: number; to: number }[] {
  const stretches: { from: number; to: number }[] = [];
  for (const { atUs, sample } of card.heard) {
    if (sample === 0) continue;
    const last = stretches.at(-1);
    if (last !== undefined && atUs - last.to < 100) last.to = atUs;
    else stretches.push({ from: atUs, to: atUs });
  }
  return stretches;
}

const bench = (card: (clock: HandClock) => FakePcm, ...first: PcmError[]): { rig: Bench; card: FakePcm } => {
  const rig = new Bench(...first);
  const made = card(rig.clock);
  rig.cards.push(made);
  return { rig, card: made };
};

describe('the ALSA sink', () => {
  it.each([-160, 0, 160])('says when each block is heard on a card of %d ppm', async (ppm) => {
    const { rig, card } = bench((clock) => new FakePcm(clock, ppm));
    await rig.start();
    await rig.run(60_000);
    await rig.sink.close();
    const blocks = card.heard.filter(({ sample }) => sample !== 0).filter((_, index) => index % 960 === 0);
    // The last block may still wait for room.
    expect(rig.asked.length - blocks.length).toBeLessThanOrEqual(1);
    const errors = blocks.map(({ atUs }, index) => Math.abs(atUs - (rig.asked[index]?.heardAtUs ?? 0)));
    expect(Math.max(...errors)).toBeLessThan(400);
    expect(Math.max(...errors.slice(-500))).toBeLessThan(30);
    expect(rig.asked.at(-1)?.pace).toBeCloseTo(1 - ppm * 1e-6, 5);
    expect(soundsOf(card)).toHaveLength(1);
    expect([rig.health, rig.sink.report.underruns]).toEqual([[], 0]);
  });

  it('begins with one buffer of silence and keeps the card full', async () => {
    const { rig, card } = bench((clock) => new FakePcm(clock));
    await rig.start();
    const startUs = rig.clock.nowUs();
    await rig.run(1_000);
    expect(soundsOf(card)[0]?.from).toBeCloseTo(startUs + 200_000, -2);
    expect(soundsOf(card)[0]?.to).toBeGreaterThan(rig.clock.nowUs() + 150_000);
    await rig.sink.close();
  });

  it('loses nothing where the card takes less than a block at once', async () => {
    const { rig, card } = bench((clock) => Object.assign(new FakePcm(clock), { mostFrames: 700 }));
    await rig.start();
    await rig.run(2_000);
    await rig.sink.close();
    expect(soundsOf(card)).toHaveLength(1);
  });

  it('goes on by itself after an underrun of 2 s, and keeps the drift it learnt', async () => {
    const { rig, card } = bench((clock) => new FakePcm(clock, 100));
    await rig.start();
    await rig.run(60_000);
    const { driftPpm } = rig.sink.report;
    rig.clock.stopFor(2_000);
    await rig.run(1_000);
    expect(card.starts).toBe(2);
    expect(rig.sink.report).toMatchObject({ underruns: 1, driftPpm });
    const [before, after] = soundsOf(card);
    expect((after?.from ?? 0) - (before?.to ?? 0)).toBeGreaterThan(1_800_000);
    expect(
      Math.abs(
        (after?.from ?? 0) -
          (rig.asked.find(({ heardAtUs }) => heardAtUs > (before?.to ?? 0) + 1e6)?.heardAtUs ?? 0),
      ),
    ).toBeLessThan(50);
    expect(rig.health).toEqual([]);
    await rig.sink.close();
  });

  it.each([
    { name: 'comes back at once', resumeAfter: 0 },
    { name: 'is not back at first', resumeAfter: 5 },
    { name: 'cannot resume', resumeAfter: -1 },
  ])('begins anew after a suspend whose driver $name', async ({ resumeAfter }) => {
    const { rig, card } = bench((clock) => new FakePcm(clock));
    await rig.start();
    await rig.run(1_000);
    Object.assign(card, { suspended: true, resumeAfter });
    await rig.run(200);
    card.suspended = false;
    await rig.run(1_000);
    expect([rig.sink.report.suspends, soundsOf(card).length, rig.health]).toEqual([1, 2, []]);
    await rig.sink.close();
  });

  it.each(['ENODEV', 'EIO', 'EBADFD'])('finds its card again after %s', async (code) => {
    const { rig, card } = bench((clock) => new FakePcm(clock));
    await rig.start();
    await rig.run(1_000);
    card.fault = code;
    await rig.run(1_000);
    expect([rig.health, card.isClosed]).toEqual([[code], true]);
    card.fault = null;
    const again = new FakePcm(rig.clock);
    rig.cards[0] = again;
    await rig.run(5_000);
    expect(rig.health).toEqual([code, null]);
    expect(soundsOf(again)).toHaveLength(1);
    await rig.sink.close();
    expect([again.isClosed, rig.clock.waiting]).toEqual([true, 0]);
  });

  it.each(['EBUSY', 'ENOENT', 'LIBRARY_MISSING'])('looks again while opening says %s', async (code) => {
    const busy = new PcmError(code, 'no');
    const { rig, card } = bench((clock) => new FakePcm(clock), busy, busy, busy);
    await rig.start();
    expect(rig.health).toEqual([code]);
    await rig.run(5_000);
    expect([rig.health, rig.opened.length]).toEqual([[code, null], 4]);
    expect(soundsOf(card)).toHaveLength(1);
    await rig.sink.close();
  });

  it('gives up a card that stands still, without claiming in between that it plays', async () => {
    const { rig } = bench((clock) => Object.assign(new FakePcm(clock), { isStuck: true }));
    await rig.start();
    await rig.run(30_000);
    expect(rig.health).toEqual(['EIO']);
    expect(rig.opened.length).toBeGreaterThan(2);
    await rig.sink.close();
  });

  it('gives up a card that runs dry before it has played, each time it is begun', async () => {
    const { rig } = bench((clock) => Object.assign(new FakePcm(clock), { mostFrames: 0 }));
    await rig.start();
    await rig.run(20_000);
    expect(rig.health).toEqual(['EIO']);
    expect(rig.opened.length).toBeGreaterThan(2);
    await rig.sink.close();
  });

  it('gives up a card that does not wake up after a suspend, and finds it when it does', async () => {
    const { rig, card } = bench((clock) => new FakePcm(clock));
    await rig.start();
    await rig.run(1_000);
    Object.assign(card, { suspended: true, resumeAfter: Infinity });
    await rig.run(4_900);
    expect(rig.health).toEqual([]);
    await rig.run(200);
    expect([rig.health, card.isClosed]).toEqual([['EIO'], true]);
    Object.assign(card, { suspended: false, isClosed: false });
    await rig.run(2_000);
    expect(rig.health).toEqual(['EIO', null]);
    await rig.sink.close();
  });

  it('says so when a card does not open, and plays once it has', async () => {
    let opens: (pcm: Pcm) => void = () => {};
    const rig = new Bench(new Promise<Pcm>((resolve) => (opens = resolve)));
    await rig.start();
    await rig.run(4_900);
    expect(rig.health).toEqual([]);
    await rig.run(60_000);
    expect([rig.health, rig.opened]).toEqual([['ETIMEDOUT'], ['card']]);
    opens(new FakePcm(rig.clock));
    await rig.run(2_000);
    expect(rig.health).toEqual(['ETIMEDOUT', null]);
    await rig.sink.close();
    expect(rig.clock.waiting).toBe(0);
  });

  it('closes within two seconds though the driver hangs in open', async () => {
    const rig = new Bench(new Promise<Pcm>(() => {}));
    await rig.start();
    let isClosed = false;
    const closing = rig.sink.close().then(() => (isClosed = true));
    await rig.run(1_900);
    expect(isClosed).toBe(false);
    await rig.run(200);
    await closing;
    await rig.sink.close();
    expect(rig.clock.waiting).toBe(0);
  });

  it('closes a card that opens after the sink was closed', async () => {
    let opens: (pcm: Pcm) => void = () => {};
    const rig = new Bench(new Promise<Pcm>((resolve) => (opens = resolve)));
    await rig.start();
    const closing = rig.sink.close();
    const card = new FakePcm(rig.clock);
    opens(card);
    await closing;
    await rig.settle();
    expect([card.isClosed, card.starts]).toEqual([true, 0]);
  });
});

describe('the time stamp of a reading', () => {
  const bytesOf = (...words: number[]): Uint8Array => {
    const bytes = new Uint8Array(16).fill(0xff);
    words.forEach((word, index) => new DataView(bytes.buffer).setInt32(index * 4, word, true));
    return bytes;
  };

  it.each([
    { layout: '64-bit time_t and long', words: [1234, 0, 567_890_000, 0] },
    { layout: '64-bit time_t, 32-bit long', words: [1234, 0, 567_890_000] },
    { layout: '32-bit time_t and long', words: [1234, 567_890_000] },
  ])('is read from $layout', ({ words }) => {
    expect(timespecUs(bytesOf(...words))).toBe(1_234_567_890);
  });

  it.each([
    { what: 'the driver knows', stampUs: 5_000_100, atUs: 5_000_100 },
    { what: 'an old stamp of the driver', stampUs: 4_990_000, atUs: 4_990_000 },
    { what: 'no stamp', stampUs: 0, atUs: 5_000_200 },
    { what: 'a stamp of the wall clock', stampUs: 1.7e15, atUs: 5_000_200 },
  ])('with $what', ({ stampUs, atUs }) => {
    expect(stampWithin(stampUs, 5_000_000, 5_000_400)).toBe(atUs);
  });
});

it.each([
  { device: 'plughw:1', isRealTime: true, bufferFrames: 2_880 },
  { device: 'hw:1', isRealTime: false, bufferFrames: 9_600 },
  { device: 'pulse', isRealTime: true, bufferFrames: 9_600 },
])('$device with real-time priority $isRealTime: asks for $bufferFrames frames', async (row) => {
  const clock = new HandClock();
  const wanted: number[] = [];
  const sink = new AlsaSink({
    device: row.device,
    clock,
    raisePriority: () => Promise.resolve(row.isRealTime),
    openPcm: (_, bufferFrames) => {
      wanted.push(bufferFrames);
      return Promise.resolve(new FakePcm(clock));
    },
  });
  expect(sink.isRealTime).toBeNull();
  await sink.start(() => {});
  await sink.close();
  expect([sink.isRealTime, wanted]).toEqual([row.isRealTime, [row.bufferFrames]]);
});
