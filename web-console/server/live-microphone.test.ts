import { describe, expect, it } from 'vitest';
import pino from 'pino';
import type { Air, EndReason, LiveSession } from '@loalang/scheduler';
import { ManualClock } from '@loalang/scheduler/testing';
import {
  addMs,
  LoaLangError,
  type LiveServerMessage,
  mediaTime,
  packFrames,
  type Person,
} from '@loalang/shared';
import { LiveMicrophone } from './live-microphone.ts';

const person: Person = {
  id: 'p-1',
  username: 'lan',
  name: 'Lan',
  role: 'operator',
  unit: { id: 'an-lac', name: 'An Lạc' },
  hasPassword: true,
};
const start = { type: 'start', title: 'Thông báo', unitIds: ['an-lac'], codec: 'opus' };

/** The air as the microphone sees it: one session whose doings are written down. */
class RecordingAir implements Pick<Air, 'goLive'> {
  readonly deeds: string[] = [];
  readonly #clock: ManualClock;
  readonly #listeners: ((reason: EndReason) => void)[] = [];
  #open: () => void = () => undefined;
  readonly #gate: Promise<void>;
  refusal: LoaLangError | null = null;

  constructor(clock: ManualClock, isSlow: boolean) {
    this.#clock = clock;
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
    if (!isSlow) this.#open();
  }

  letGo(): void {
    this.#open();
  }

  stop(reason: EndReason): void {
    for (const listener of this.#listeners) listener(reason);
  }

  async goLive(): Promise<LiveSession> {
    await this.#gate;
    if (this.refusal !== null) throw this.refusal;
    this.deeds.push('live');
    return {
      broadcastId: 'a'.repeat(32),
      streamId: 'a'.repeat(32),
      latencyMs: 1200,
      endsAt: addMs(this.#clock.now(), 60_000),
      deviceCount: 2,
      pushFrames: (frames) =>
        void this.deeds.push(`opus ${frames.map((frame) => frame.byteLength).join(' ')}`),
      pushPcm: (samples) => void this.deeds.push(`pcm ${samples.length} ${samples[0] ?? ''}`),
      end: async () => {
        this.deeds.push('end');
        await Promise.resolve();
      },
      onEnded: (listener) => void this.#listeners.push(listener),
    };
  }
}

function setUp(isSlow = false) {
  const clock = new ManualClock(mediaTime(1_700_000_000_000_000));
  const air = new RecordingAir(clock, isSlow);
  const sent: LiveServerMessage[] = [];
  const closes: number[] = [];
  const microphone = new LiveMicrophone({
    air,
    clock,
    person,
    requestId: 'r-1',
    log: pino({ level: 'silent' }),
    wire: { send: (message) => void sent.push(message), close: (code) => void closes.push(code) },
  });
  microphone.open();
  const told = () => sent.map((message) => (message.type === 'error' ? message.code : message.type));
  return { clock, air, microphone, sent, closes, told };
}

async function onAir(codec: 'opus' | 'pcm' = 'opus') {
  const parts = setUp();
  parts.microphone.takeText(JSON.stringify({ ...start, codec }));
  // goLive of the recording air is two turns of the microtask queue away.
  await new Promise(setImmediate);
  expect(parts.told()).toEqual(['on-air']);
  return parts;
}

describe('a live microphone', () => {
  it.each([
    ['no JSON', 'hello'],
    ['another type', JSON.stringify({ type: 'begin' })],
    ['an end', JSON.stringify({ type: 'end' })],
    ['a start without a title', JSON.stringify({ ...start, title: ' ' })],
  ])('is refused when its first message is %s', (_what, text) => {
    const { microphone, told, closes, air } = setUp();
    microphone.takeText(text);
    expect([told(), closes, air.deeds]).toEqual([['INPUT_INVALID'], [1008], []]);
  });

  it('is refused when it begins with sound', () => {
    const { microphone, told, closes } = setUp();
    microphone.takeSound(Buffer.alloc(1920));
    expect([told(), closes]).toEqual([['INPUT_INVALID'], [1008]]);
  });

  it('is refused when it says nothing for five seconds', () => {
    const { clock, told, closes } = setUp();
    clock.advance(4_999);
    expect(told()).toEqual([]);
    clock.advance(1);
    expect([told(), closes]).toEqual([['INPUT_INVALID'], [1008]]);
  });

  it('passes Opus frames on', async () => {
    const { microphone, air } = await onAir();
    microphone.takeSound(Buffer.from(packFrames([new Uint8Array(5), new Uint8Array(7)])));
    expect(air.deeds).toEqual(['live', 'opus 5 7']);
  });

  it('passes PCM on, from odd addresses too', async () => {
    const { microphone, air } = await onAir('pcm');
    const message = Buffer.alloc(1 + 2 * 1920);
    message.writeInt16LE(-2, 1);
    microphone.takeSound(message.subarray(1));
    expect(air.deeds).toEqual(['live', 'pcm 1920 -2']);
  });

  it.each([
    ['opus', Buffer.from([9, 1, 2]), 1008],
    ['pcm', Buffer.alloc(1000), 1008],
    ['pcm', Buffer.alloc(0), 1008],
    ['opus', Buffer.alloc(64 * 1024 + 1), 1009],
  ] as const)('ends the broadcast on a wrong message (%s)', async (codec, bytes, code) => {
    const { microphone, air, told, closes } = await onAir(codec);
    microphone.takeSound(bytes);
    await microphone.closed;
    expect([told(), closes, air.deeds]).toEqual([['on-air', 'INPUT_INVALID'], [code], ['live', 'end']]);
  });

  it('ends after ten seconds without sound, counted from the last', async () => {
    const { microphone, air, clock, told } = await onAir();
    clock.advance(9_000);
    microphone.takeSound(Buffer.from(packFrames([new Uint8Array(5)])));
    clock.advance(9_999);
    expect(told()).toEqual(['on-air']);
    clock.advance(1);
    await microphone.closed;
    expect([told(), air.deeds]).toEqual([
      ['on-air', 'LIVE_SILENT'],
      ['live', 'opus 5', 'end'],
    ]);
  });

  it('throws away what comes faster than time, after a burst of five seconds', async () => {
    const { microphone, air, clock } = await onAir();
    const second = () => {
      for (let message = 0; message < 10; message += 1) {
        microphone.takeSound(Buffer.from(packFrames(Array.from({ length: 5 }, () => new Uint8Array(1)))));
      }
    };
    for (let count = 0; count < 8; count += 1) second();
    expect(air.deeds).toHaveLength(1 + 50);
    clock.advance(1_000);
    second();
    second();
    expect(air.deeds).toHaveLength(1 + 60);
  });

  it('tells when the broadcast was stopped by another', async () => {
    const { microphone, air, sent, closes } = await onAir();
    air.stop('stopped');
    await microphone.closed;
    expect([sent.at(-1), closes]).toEqual([{ type: 'ended', reason: 'stopped' }, [1000]]);
  });

  it('ends the broadcast when the socket closes, once', async () => {
    const { microphone, air } = await onAir();
    await Promise.all([microphone.hangUp(), microphone.hangUp()]);
    expect(air.deeds).toEqual(['live', 'end']);
  });

  it('ends the broadcast when the speaker says so', async () => {
    const { microphone, air, sent } = await onAir();
    microphone.takeText(JSON.stringify({ type: 'end' }));
    await microphone.closed;
    expect([sent.at(-1), air.deeds]).toEqual([{ type: 'ended', reason: 'speaker' }, ['live', 'end']]);
  });

  it('ends the broadcast when the session ends', async () => {
    const { microphone, air, told } = await onAir();
    microphone.endSession();
    await microphone.closed;
    expect([told(), air.deeds]).toEqual([
      ['on-air', 'SIGN_IN_REQUIRED'],
      ['live', 'end'],
    ]);
  });

  it.each(['hangUp', 'endSession'] as const)('ends a broadcast that comes on air after %s', async (act) => {
    const { microphone, air } = setUp(true);
    microphone.takeText(JSON.stringify(start));
    void microphone[act]();
    air.letGo();
    await microphone.closed;
    expect(air.deeds).toEqual(['live', 'end']);
  });

  it('says why it may not go on air', async () => {
    const { microphone, air, sent, closes } = setUp(true);
    air.refusal = new LoaLangError('LIVE_BUSY', { person: 'Hiệp' });
    microphone.takeText(JSON.stringify(start));
    air.letGo();
    await microphone.closed;
    expect(sent).toEqual([
      {
        type: 'error',
        code: 'LIVE_BUSY',
        vi: 'Hiệp đang nói trực tiếp tới loa này. Đợi xong rồi nói.',
        en: 'Hiệp is speaking live to these receivers. Wait until it ends.',
      },
    ]);
    expect(closes).toEqual([1008]);
  });
});
