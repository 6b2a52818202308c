import { expect, test } from 'vitest';
import { DropAccount } from './drop-account.ts';

test('drops are counted for each client and in all, by reason', () => {
  const account = new DropAccount();
  account.note('one', { expired: 2, overflow: 0 });
  account.note('other', { expired: 0, overflow: 1 });
  account.note('one', { expired: 1, overflow: 3 });
  expect(account.byClient()).toEqual({
    one: { expired: 3, overflow: 3 },
    other: { expired: 0, overflow: 1 },
  });
  expect(account.total).toEqual({ expired: 3, overflow: 4 });
});

test('of too many clients the one longest without a drop is forgotten, the sum is not', () => {
  const account = new DropAccount();
  const once = { expired: 1, overflow: 0 };
  for (let index = 0; index < 4096; index += 1) account.note(`client ${index}`, once);
  account.note('client 0', once);
  account.note('one more', once);
  expect(account.clients).toBe(4096);
  expect(account.total).toEqual({ expired: 4098, overflow: 0 });
  expect(account.byClient()).toMatchObject({ 'client 0': { expired: 2, overflow: 0 }, 'one more': once });
  expect(account.byClient()).not.toHaveProperty('client 1');
});
