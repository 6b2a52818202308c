import { addMs, mediaTime } from '../media-time.ts';
import { expect, test } from 'vitest';
import { UsedTokens } from './used-tokens.ts';

const START = mediaTime(1_000_000_000_000);
const token = (nonce: number, id = 'd-one') => ({ id, nonce: `nonce-${nonce}` });

test('a token is refused for as long as it could be taken, and then forgotten', () => {
  const used = new UsedTokens({ maxPerId: 120 });
  expect(used.use(token(1), START)).toBe('taken');
  expect(used.use(token(1), START)).toBe('replayed');
  expect(used.use(token(1), addMs(START, 120_000))).toBe('replayed');
  expect(used.use(token(1), addMs(START, 120_001))).toBe('taken');
});

test('one identity fills only its own share, and has it back in time', () => {
  const used = new UsedTokens({ maxPerId: 120 });
  for (let nonce = 0; nonce < 120; nonce += 1) expect(used.use(token(nonce), START)).toBe('taken');
  expect(used.use(token(120), START)).toBe('too-many');
  expect(used.use(token(120, 'd-two'), START)).toBe('taken');
  expect(used.use(token(120), addMs(START, 121_000))).toBe('taken');
});
