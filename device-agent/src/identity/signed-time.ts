import { signedTimeSchema } from '@loalang/shared';
import { makeNonce, type TrustStore } from '@loalang/shared/signing';
import { MAX_ROUND_TRIP_US, type ClockSample, type MonotonicClock } from '../clock/index.ts';
import type { PlatformHttp } from '../link/platform-http.ts';

/** Asks the platform for the time, bound to a fresh nonce. Throws where the answer can't be believed. */
export async function askSignedTime(parts: {
  platform: PlatformHttp;
  trust: TrustStore;
  clock: MonotonicClock;
  signal: AbortSignal;
}): Promise<ClockSample> {
  const nonce = makeNonce();
  const t1 = parts.clock.nowUs();
  const jws = await parts.platform.time(nonce, parts.signal);
  const t4 = parts.clock.nowUs();
  if (t4 - t1 > MAX_ROUND_TRIP_US) throw new Error(`the signed time took ${Math.round((t4 - t1) / 1000)} ms`);
  // The hour isn't known yet, so the key's validity can't be checked against it; it is checked against what it says.
  const verified = await parts.trust.verify(jws.trim(), {
    purpose: 'time',
    schema: signedTimeSchema,
    now: null,
  });
  if (!verified.ok) throw new Error(`the signed time is refused: ${verified.reason}`);
  const { at, nonce: signedNonce } = verified.payload;
  if (signedNonce !== nonce) throw new Error('the signed time answers another question');
  const timely = await parts.trust.verify(jws.trim(), { purpose: 'time', schema: signedTimeSchema, now: at });
  if (!timely.ok) throw new Error(`the signed time is refused: ${timely.reason}`);
  return { t1, t2: at, t3: at, t4 };
}
