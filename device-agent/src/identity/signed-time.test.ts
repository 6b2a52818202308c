import { expect, test } from 'vitest';
import { fromUnixMs, type MediaTime } from '@loalang/shared';
import { TrustStore } from '@loalang/shared/signing';
import type { ClockSample } from '../clock/index.ts';
import { PlatformHttp } from '../link/platform-http.ts';
import { Authority } from '../testing/authority.ts';
import { HandClock } from '../testing/hand-clock.ts';
import { askSignedTime } from './signed-time.ts';

const AT = fromUnixMs(Date.now());

/** Whoever answers in the platform's place: with what it likes, as late as it likes. */
class Answerer extends PlatformHttp {
  readonly #answer: (nonce: string) => Promise<string>;

  constructor(answer: (nonce: string) => Promise<string>) {
    super('http://nobody.invalid');
    this.#answer = answer;
  }

  override time(nonce: string): Promise<string> {
    return this.#answer(nonce);
  }
}

async function ask(
  tookMs: number,
  says: (nonce: string) => string,
  at: MediaTime = AT,
): Promise<ClockSample> {
  const authority = await Authority.make(AT);
  const clock = new HandClock();
  const platform = new Answerer((nonce) => {
    clock.advance(tookMs);
    return authority.sign('time', { type: 'time', nonce: says(nonce), at });
  });
  const trust = new TrustStore(authority.root.public);
  return askSignedTime({ platform, trust, clock, signal: new AbortController().signal });
}

const honest = (nonce: string): string => nonce;

test('the signed time of an honest answer is a sample with its round trip', async () => {
  const { t1, t2, t3, t4 } = await ask(300, honest);
  expect([t2, t3, t4 - t1]).toEqual([AT, AT, 300_000]);
});

test('an answer to another question is not believed, however well it is signed', async () => {
  await expect(ask(300, () => 'A'.repeat(22))).rejects.toThrow('another question');
});

test('one that took more than two seconds is not believed', async () => {
  await expect(ask(2_001, honest)).rejects.toThrow('took 2001 ms');
});

test('one of a time when its key was not valid is not believed', async () => {
  await expect(ask(300, honest, fromUnixMs(1_000_000_000_000))).rejects.toThrow('refused');
});
