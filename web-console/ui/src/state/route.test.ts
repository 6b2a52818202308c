import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';
import { parseRoute, safeReturn } from './route.ts';

const id = '0123456789abcdef0123456789abcdef';

describe('addresses of the console', () => {
  it.each([
    ['/', '', { name: 'today' }],
    ['/phat-ngay', '', { name: 'send' }],
    ['/noi-truc-tiep/', '', { name: 'speak' }],
    ['/lich', '', { name: 'calendar', isAdding: false }],
    ['/lich', '?them=1', { name: 'calendar', isAdding: true }],
    ['/loa', '', { name: 'devices' }],
    ['/loa/them', '', { name: 'add-device' }],
    ['/loa/d-abcdefghij', '', { name: 'device', id: 'd-abcdefghij' }],
    ['/loa/4', '', { name: 'not-found' }],
    ['/thiet-lap', '', { name: 'settings' }],
    ['/dang-nhap', '', { name: 'sign-in' }],
    ['/vao', '?ma=abc_-1', { name: 'link', token: 'abc_-1' }],
    [`/ban-tin/${id}`, '', { name: 'broadcast', id }],
    ['/ban-tin/1', '', { name: 'not-found' }],
    ['/constructor', '', { name: 'not-found' }],
  ])('%s%s', (path, search, route) => expect(parseRoute(path, search)).toEqual(route));

  it.each([
    ['?ve=%2Floa', '/loa'],
    ['', '/'],
    ['?ve=https%3A%2F%2Fevil.example', '/'],
    ['?ve=%2F%2Fevil.example', '/'],
    ['?ve=%2F%5Cevil.example', '/'],
    ['?ve=%2Fdang-nhap', '/'],
  ])('after signing in with %s one comes to %s', (search, to) => expect(safeReturn(search)).toBe(to));
});

describe('connecting again', () => {
  it('waits longer each time, up to fifteen seconds, half of it by chance', () => {
    expect([0, 1, 2, 10, 2000].map((failures) => backoffMs(failures, 1))).toEqual([
      500, 1000, 2000, 15_000, 15_000,
    ]);
    expect(backoffMs(10, 0)).toBe(7500);
  });
});
