import { expect, test } from 'vitest';
import { mediaTime, type ClockRequest, type ClockResponse } from '@loalang/shared';
import { DEVICE_ID } from '../testing/authority.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { seeded } from '../testing/simulated-path.ts';
import type { ClockSample } from './clock-filter.ts';
import { ClockExchange } from './exchange.ts';

interface ExchangeRig {
  readonly clock: HandClock;
  readonly exchange: ClockExchange;
  readonly requests: ClockRequest[];
  readonly bursts: (readonly ClockSample[])[];
  isBusy: boolean;
}

function makeExchange(isBusy = false, random = 0.5): ExchangeRig {
  const clock = new HandClock();
  const requests: ClockRequest[] = [];
  const bursts: (readonly ClockSample[])[] = [];
  const exchange: ClockExchange = new ClockExchange({
    clock,
    random: () => random,
    send: (request) => requests.push(request) > 0,
    onBurst: (samples) => bursts.push(samples),
    isBusy: () => rig.isBusy,
  });
  const rig: ExchangeRig = { clock, exchange, requests, bursts, isBusy };
  return rig;
}

function reply({ nonce, t1 }: ClockRequest): ClockResponse {
  const at = mediaTime(1_790_000_000_000_000);
  return { type: 'clock', device: DEVICE_ID, nonce, t1, t2: at, t3: at };
}

/** Answers these of the requests. */
function answer({ clock, exchange, requests }: ExchangeRig, from: number, to: number): void {
  for (const request of requests.slice(from, to)) {
    expect(exchange.take(reply(request), clock.nowUs())).toBe('taken');
  }
}

test('a burst asks once, seven times more when the answer has come, and ends with the last answer', () => {
  const rig = makeExchange();
  rig.exchange.start();
  rig.clock.advance(300);
  expect(rig.requests).toHaveLength(1);
  answer(rig, 0, 1);
  rig.clock.advance(300);
  expect(rig.requests).toHaveLength(8);
  answer(rig, 1, 8);
  expect(rig.bursts.map((each) => each.length)).toEqual([8]);
});

test('a link that holds up the first answer is not asked more, and left alone for 10 s', () => {
  const rig = makeExchange(true);
  const { clock, exchange, requests, bursts } = rig;
  exchange.start();
  pausesS(rig, 6);
  const before = requests.length;
  // The next burst begins after 2.25 s, and is given up 1 s later.
  clock.advance(3_250);
  expect([requests.length - before, bursts.length]).toEqual([1, 7]);
  clock.advance(9_900);
  expect(requests.length - before).toBe(1);
  clock.advance(100);
  expect(requests.length - before).toBe(2);
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

/** Lets time pass until so many bursts were answered; the pauses between their ends, in seconds. */
function pausesS(rig: ExchangeRig, bursts: number): number[] {
  const { clock, exchange, requests } = rig;
  const endsS: number[] = [];
  let answered = 0;
  while (endsS.length < bursts) {
    const seen = rig.bursts.length;
    clock.advance(10);
    for (; answered < requests.length; answered += 1) {
      const request = requests[answered];
      if (request !== undefined) exchange.take(reply(request), clock.nowUs());
    }
    if (rig.bursts.length > seen) endsS.push(clock.nowUs() / 1e6);
  }
  return endsS.slice(1).map((end, index) => end - (endsS[index] ?? 0));
}

test.each([
  [false, 5 * 60],
  [true, 30],
])('it converges every 2 s, then (busy: %s) ever more seldom down to every %i s', (isBusy, lastS) => {
  const rig = makeExchange(isBusy);
  rig.exchange.start();
  const pauses = pausesS(rig, 60);
  expect(pauses.slice(0, 5).map((pause) => Math.round(pause))).toEqual([2, 2, 2, 2, 2]);
  expect(Math.round(pauses.at(-1) ?? 0)).toBe(lastS);
});

test.each([20_000, 100_000, 245_000])(
  'who is idle asks within 36 s when something is about to play, whenever that turns out: %i ms on',
  (onMs) => {
    const rig = makeExchange();
    rig.exchange.start();
    pausesS(rig, 60);
    const asked = rig.requests.length;
    rig.clock.advance(onMs);
    expect(rig.requests).toHaveLength(asked);
    rig.isBusy = true;
    rig.clock.advance(36_000);
    expect(rig.requests.length).toBeGreaterThan(asked);
  },
);

test('its pauses are a fifth shorter or longer than the usual one, by chance', () => {
  const lastPauses = [0, 0.5, 1].map((random) => {
    const rig = makeExchange(true, random);
    rig.exchange.start();
    return Math.round(pausesS(rig, 60).at(-1) ?? 0);
  });
  expect(lastPauses).toEqual([24, 30, 36]);
});

test('no pause is longer than a quarter of the time for which the line was learned', () => {
  const rig = makeExchange();
  rig.exchange.start();
  let learnedS = 0;
  for (const pause of pausesS(rig, 40)) {
    if (learnedS > 10) expect(pause).toBeLessThan(learnedS / 4);
    learnedS += pause;
  }
});

test('after a new connection it asks twice at once, then as seldom as before', () => {
  const rig = makeExchange(true);
  rig.exchange.start();
  pausesS(rig, 60);
  rig.exchange.stop();
  rig.exchange.start();
  expect(pausesS(rig, 4).map((pause) => Math.round(pause))).toEqual([2, 30, 30]);
});

test('once stopped it asks no more', () => {
  const { clock, exchange, requests } = makeExchange();
  exchange.start();
  exchange.stop();
  clock.advance(60_000);
  expect(requests).toHaveLength(1);
});

/** Many receivers of one broker, each answered 50 ms after it asks. */
class Village {
  readonly clock = new HandClock();
  readonly #exchanges: ClockExchange[];
  /** Requests in each second since the broker was last started. */
  requests = new Uint32Array(200);
  /** Of each receiver: when its sixth burst of this connection ended. */
  readonly convergedS = new Map<number, number>();
  #bursts: number[];
  #startedUs = 0;
  #isUp = false;

  constructor(receivers: number) {
    const random = seeded(4);
    this.#bursts = Array.from({ length: receivers }, () => 0);
    this.#exchanges = this.#bursts.map((_, index) => {
      const exchange: ClockExchange = new ClockExchange({
        clock: this.clock,
        random,
        send: (request) => {
          const second = Math.floor(this.#sinceS);
          this.requests[second] = (this.requests[second] ?? 0) + 1;
          this.clock.after(50, () => {
            if (this.#isUp) exchange.take(reply(request), this.clock.nowUs());
          });
          return true;
        },
        onBurst: (samples) => this.#count(index, samples.length),
        isBusy: () => true,
      });
      return exchange;
    });
  }

  get #sinceS(): number {
    return (this.clock.nowUs() - this.#startedUs) / 1e6;
  }

  /** The broker comes up, and all of these connect in one instant. */
  start(which: readonly number[] = [...this.#exchanges.keys()]): void {
    this.#isUp = true;
    this.#startedUs = this.clock.nowUs();
    this.requests.fill(0);
    this.#bursts = this.#bursts.map(() => 0);
    this.convergedS.clear();
    for (const index of which) this.#exchanges[index]?.start();
  }

  stop(): void {
    this.#isUp = false;
    for (const exchange of this.#exchanges) exchange.stop();
    this.clock.advance(5_000);
  }

  #count(index: number, samples: number): void {
    if (samples === 0) return;
    const bursts = (this.#bursts[index] ?? 0) + 1;
    this.#bursts[index] = bursts;
    if (bursts === 6) this.convergedS.set(index, this.#sinceS);
  }
}

test('after a broker restart 2,000 receivers do not ask in the same second, and a young one among them converges', () => {
  const village = new Village(2_000);
  village.start(Array.from({ length: 1_999 }, (_, index) => index));
  village.clock.advance(120_000);
  village.stop();
  village.start();
  village.clock.advance(20_000);
  // Two bursts each in some 12 s are 2,700 requests a second, where all are spread evenly; all at once they were 16,000.
  expect(Math.max(...village.requests)).toBeLessThan(4_000);
  expect(village.requests.reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(32_000);
  expect(village.convergedS.get(1_999)).toBeLessThan(13);
}, 60_000);

test('after a sleep it asks at once, as often as a young one; without a link it waits for one', () => {
  const rig = makeExchange(true);
  rig.exchange.start();
  pausesS(rig, 60);
  const asked = rig.requests.length;
  rig.exchange.startAnew();
  expect(rig.requests).toHaveLength(asked + 1);
  expect(pausesS(rig, 6).map((pause) => Math.round(pause))).toEqual([2, 2, 2, 2, 2]);
  rig.exchange.stop();
  const before = rig.requests.length;
  rig.exchange.startAnew();
  rig.clock.advance(60_000);
  expect(rig.requests).toHaveLength(before);
});
