import { statusSchema } from '@loalang/shared';
import { expect, test } from 'vitest';
import type { MonotonicClock, Render, Sink } from '@loalang/device-agent';
import { VirtualBoard } from './virtual-board.ts';

class SteppedClock implements MonotonicClock {
  #nowUs = 0;
  nowUs(): number {
    return this.#nowUs;
  }
  after(): never {
    throw new Error('a board sets no timers');
  }
  advanceSeconds(seconds: number): void {
    this.#nowUs += seconds * 1e6;
  }
}

class HandSink implements Sink {
  readonly kind = 'hand';
  #render: Render | null = null;
  start(render: Render): Promise<void> {
    this.#render = render;
    return Promise.resolve();
  }
  close(): Promise<void> {
    this.#render = null;
    return Promise.resolve();
  }
  pull(clock: SteppedClock, seconds: number): void {
    for (let frame = 0; frame < seconds * 50; frame += 1) {
      this.#render?.(clock.nowUs(), new Float32Array(960));
      clock.advanceSeconds(0.02);
    }
  }
}

function tone(amplitude: number): Render {
  return (_heardAtUs, out) => {
    for (let index = 0; index < out.length; index += 1) {
      out[index] = amplitude * Math.sin((2 * Math.PI * index) / 48);
    }
  };
}

function makeBoard(seed = 'yen-the-1'): { board: VirtualBoard; clock: SteppedClock } {
  const clock = new SteppedClock();
  return { board: new VirtualBoard({ seed, clock }), clock };
}

async function currentWith(amplitude: number): Promise<number | null> {
  const { board, clock } = makeBoard();
  const sink = new HandSink();
  await board.wire(sink).start(tone(amplitude));
  board.setAmplifier(true);
  sink.pull(clock, 3);
  return board.read().amplifierA;
}

test('a reading is what a status may carry', () => {
  const { board } = makeBoard();
  expect(statusSchema.shape.board.parse(board.read())).toEqual(
    expect.objectContaining({ network: '4g', hasMains: true, isAmplifierOn: false }),
  );
});

test('the current follows what sounds: a sine at full scale draws 2.6 A, half of it a quarter of the power', async () => {
  expect(await currentWith(0)).toBe(0.15);
  expect(await currentWith(1)).toBeCloseTo(0.15 + 2.451, 2);
  expect(await currentWith(0.5)).toBeCloseTo(0.15 + 2.451 / 4, 2);
});

test('with the mute line drawn nothing of what is rendered reaches the amplifier', async () => {
  const { board, clock } = makeBoard();
  const sink = new HandSink();
  await board.wire(sink).start(tone(1));
  sink.pull(clock, 1);
  expect(board.read()).toEqual(expect.objectContaining({ isAmplifierOn: false, amplifierA: 0.02 }));
});

test('the current falls back when the sink stops pulling', async () => {
  const { board, clock } = makeBoard();
  const sink = new HandSink();
  await board.wire(sink).start(tone(1));
  board.setAmplifier(true);
  sink.pull(clock, 1);
  clock.advanceSeconds(5);
  expect(board.read().amplifierA).toBe(0.15);
});

test('a dead amplifier draws nothing although it is on and something sounds', async () => {
  const { board, clock } = makeBoard();
  const sink = new HandSink();
  await board.wire(sink).start(tone(1));
  board.setAmplifier(true);
  board.setFaults({ isAmplifierDead: true });
  sink.pull(clock, 1);
  expect(board.read()).toEqual(expect.objectContaining({ isAmplifierOn: true, amplifierA: 0 }));
  board.setFaults({ isAmplifierDead: false });
  expect(board.read().amplifierA).toBeGreaterThan(1);
});

test('each fault shows in its own reading, and mending it takes it back', () => {
  const { board } = makeBoard();
  const before = board.read();
  board.setFaults({ isOverheated: true, isMainsLost: true });
  board.setFaults({ isSignalWeak: true, isDiskFull: true });
  expect(board.read()).toEqual(
    expect.objectContaining({ temperatureC: 92, hasMains: false, signalBars: 1, diskFreeMB: 0 }),
  );
  board.setFaults({ isOverheated: false, isMainsLost: false, isSignalWeak: false, isDiskFull: false });
  expect({ ...board.read(), memoryFreeMB: null }).toEqual({ ...before, memoryFreeMB: null });
});

test('the box warms up while the amplifier works and cools down afterwards', async () => {
  const { board, clock } = makeBoard();
  const sink = new HandSink();
  await board.wire(sink).start(tone(1));
  clock.advanceSeconds(7200);
  const idleC = board.read().temperatureC ?? 0;
  board.setAmplifier(true);
  for (let minute = 0; minute < 60; minute += 1) {
    sink.pull(clock, 1);
    board.read();
    clock.advanceSeconds(59);
  }
  const busyC = board.read().temperatureC ?? 0;
  board.setAmplifier(false);
  clock.advanceSeconds(7200);
  expect(busyC).toBeGreaterThan(idleC);
  expect(board.read().temperatureC).toBeCloseTo(idleC, 0);
});

test('the battery lasts some hours without mains and fills again with it', () => {
  const { board, clock } = makeBoard();
  board.setFaults({ isMainsLost: true });
  clock.advanceSeconds(4 * 3600);
  expect(board.batteryPercent).toBeGreaterThan(40);
  clock.advanceSeconds(20 * 3600);
  expect(board.batteryPercent).toBe(0);
  board.setFaults({ isMainsLost: false });
  clock.advanceSeconds(11 * 3600);
  expect(board.batteryPercent).toBe(100);
});

function storyOf(seed: string): unknown[] {
  const { board, clock } = makeBoard(seed);
  return Array.from({ length: 20 }, () => {
    clock.advanceSeconds(120);
    return board.read();
  });
}

test('the seed decides the story of a board', () => {
  expect(storyOf('an-lac-2')).toEqual(storyOf('an-lac-2'));
  expect(storyOf('an-lac-2')).not.toEqual(storyOf('an-lac-1'));
});
