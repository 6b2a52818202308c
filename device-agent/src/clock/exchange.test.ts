import { expect, test } from 'vitest';
import { mediaTime, type ClockRequest, type ClockResponse } from '@loalang/shared';
import { DEVICE_ID } from '../testing/authority.ts';
import { HandClock } from '../testing/hand-clock.ts';
import type { ClockSample } from './clock-filter.ts';
import { ClockExchange } from './exchange.ts';

function makeExchange(isBusy = false): {
  clock: HandClock;
  exchange: ClockExchange;
  requests: ClockRequest[];
  bursts: (readonly ClockSample[])[];
} {
  const clock = new HandClock();
  const requests: ClockRequest[] = [];
  const bursts: (readonly ClockSample[])[] = [];
  const exchange = new ClockExchange({
    clock,
    random: () => 0.5,
    send: (request) => requests.push(request) > 0,
    onBurst: (samples) => bursts.push(samples),
    isBusy: () => isBusy,
  });
  return { clock, exchange, requests, bursts };
}

function reply({ nonce, t1 }: ClockRequest): ClockResponse {
  const at = mediaTime(1_790_000_000_000_000);
  return { type: 'clock', device: DEVICE_ID, nonce, t1, t2: at, t3: at };
}

test('a burst has eight exchanges, and ends with the last answer', () => {
  const { clock, exchange, requests, bursts } = makeExchange();
  exchange.start();
  clock.advance(300);
  expect(requests).toHaveLength(8);
  for (const request of requests) expect(exchange.take(reply(request), clock.nowUs())).toBe('taken');
  expect(bursts.map((each) => each.length)).toEqual([8]);
});

test('each nonce counts once, and only if it was asked', () => {
  const { clock, exchange, requests } = makeExchange();
  exchange.start();
  clock.advance(10);
  const [request] = requests;
  if (request === undefined) throw new Error('nothing was asked');
  expect(exchange.take({ ...reply(request), t1: request.t1 + 1 }, 5)).toBe('malformed');
  expect(exchange.take(reply(request), 6)).toBe('replayed');
  expect(exchange.take({ ...reply(request), nonce: 'A'.repeat(22) }, 7)).toBe('replayed');
});

test('a reply to a burst that is over is too late', () => {
  const { clock, exchange, requests, bursts } = makeExchange();
  exchange.start();
  clock.advance(2_300);
  expect(bursts).toEqual([[]]);
  const [request] = requests;
  expect(request === undefined ? null : exchange.take(reply(request), clock.nowUs())).toBe('replayed');
});

test.each([
  [false, 5 * 60],
  [true, 30],
])('it converges every 2 s, then asks every 30 s, then (busy: %s) every %i s', (isBusy, lastS) => {
  const { clock, exchange, requests, bursts } = makeExchange(isBusy);
  const endsMs: number[] = [];
  exchange.start();
  let answered = 0;
  while (bursts.length < 30) {
    const seen = bursts.length;
    clock.advance(10);
    for (; answered < requests.length; answered += 1) {
      const request = requests[answered];
      if (request !== undefined) exchange.take(reply(request), clock.nowUs());
    }
    if (bursts.length > seen) endsMs.push(clock.nowUs() / 1000);
  }
  const gapsS = endsMs.slice(1).map((end, index) => Math.round((end - (endsMs[index] ?? 0)) / 1000));
  expect(gapsS.slice(0, 5)).toEqual([2, 2, 2, 2, 2]);
  expect(gapsS[10]).toBe(30);
  expect(gapsS.at(-1)).toBe(lastS);
});

test('once stopped it asks no more', () => {
  const { clock, exchange, requests } = makeExchange();
  exchange.start();
  exchange.stop();
  clock.advance(60_000);
  expect(requests).toHaveLength(1);
});
