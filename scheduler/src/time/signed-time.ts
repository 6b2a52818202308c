import type { SignedTime } from '@loalang/shared';
import { signJws } from '@loalang/shared/signing';
import type { PlatformKey } from '../keys/index.ts';
import type { Clock } from './media-clock.ts';

/** The hour for a receiver that can't sign in yet, bound to its nonce; with the certificate, since it knows no key. */
export async function signTime(
  nonce: string,
  clock: Clock,
  { key, certificate }: PlatformKey,
): Promise<string> {
  const time: SignedTime = { type: 'time', nonce, at: clock.now() };
  return await signJws(time, key, certificate);
}
