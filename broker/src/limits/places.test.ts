import { expect, test } from 'vitest';
import { defaultLimits, type BrokerLimits } from './bounds.ts';
import { addressKey, Places, type Place } from './places.ts';

const still = (): number => 0;

function placesOf(limits: Partial<BrokerLimits>, nowMs = still): Places {
  return new Places({ ...defaultLimits, ...limits }, nowMs);
}

/** Takes a place that must be there. */
function take(places: Places, address: string, giveWay = (): void => {}): Place {
  const place = places.take(address, giveWay);
  if (typeof place === 'string') throw new Error(place);
  return place;
}

/** Why there is none. */
function refusal(places: Places, address: string): string | null {
  const place = places.take(address, () => {});
  return typeof place === 'string' ? place : null;
}

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['127.0.0.1', 'loopback'],
  ['::ffff:127.8.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
])('%s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test('foreign addresses have their own share, and all together the whole', () => {
  const places = placesOf({ connectionsPerAddress: 2, connections: 3 });
  const first = take(places, '10.0.0.1');
  take(places, '10.0.0.1');
  expect(refusal(places, '10.0.0.1')).toBe('address-full');
  take(places, '10.0.0.2');
  expect(refusal(places, '10.0.0.3')).toBe('broker-full');
  first.leave();
  first.leave();
  expect([places.total, refusal(places, '10.0.0.1'), places.total]).toEqual([2, null, 3]);
});

test('of those who say nothing the oldest of an address gives way to the newest, and nobody else', () => {
  let now = 0;
  const places = placesOf({ signingInPerAddress: 2 }, () => now);
  const gone: string[] = [];
  const come = (name: string, address = '10.0.0.1'): Place => take(places, address, () => gone.push(name));
  come('another', '10.0.0.2');
  come('spoken').spoken();
  for (const name of ['one', 'two']) come(name);
  now = 999;
  come('three');
  expect(gone).toEqual([]);
  now = 1_000;
  come('four').leave();
  expect(gone).toEqual(['one']);
  come('five');
  expect(gone).toEqual(['one', 'two']);
  come('six');
  expect(gone).toEqual(['one', 'two']);
});

test('where too many of all addresses say nothing, the oldest of all gives way', () => {
  let now = 0;
  const places = placesOf({ signingIn: 2 }, () => now);
  const gone: string[] = [];
  for (const address of ['10.0.0.1', '127.0.0.1', '10.0.0.3']) {
    take(places, address, () => gone.push(address));
    now += 1_000;
  }
  expect(gone).toEqual(['10.0.0.1']);
});

test('one address has so many new connections a second and no more, and uses up nothing of the others', () => {
  let now = 0;
  const places = placesOf({ newPerSecondPerAddress: 1, newPerSecond: 2 }, () => now);
  const come = (address: string): string => refusal(places, address) ?? 'in';
  expect(Array.from({ length: 50 }, () => come('10.0.0.1')).filter((answer) => answer === 'in')).toHaveLength(
    4,
  );
  expect(come('10.0.0.1')).toBe('address-rate');
  expect(Array.from({ length: 5 }, (_, host) => come(`10.0.1.${host}`))).toEqual([
    'in',
    'in',
    'in',
    'in',
    'broker-rate',
  ]);
  now = 1_000;
  expect([come('10.0.0.1'), come('10.0.0.1'), come('10.0.0.2')]).toEqual(['in', 'address-rate', 'in']);
});

test('this machine has the share of all', () => {
  const places = placesOf({ newPerSecondPerAddress: 1, newPerSecond: 10 });
  for (let count = 0; count < 40; count += 1) take(places, '127.0.0.1').leave();
  expect(refusal(places, '::1')).toBe('broker-rate');
});
