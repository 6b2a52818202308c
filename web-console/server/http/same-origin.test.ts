import { describe, expect, it } from 'vitest';
import { isSameOrigin, type RequestOrigin } from './same-origin.ts';

const post: RequestOrigin = {
  method: 'POST',
  isUpgrade: false,
  origin: 'http://loa.local:8080',
  fetchSite: 'same-origin',
  host: 'loa.local:8080',
};

describe('the origin of a request', () => {
  it.each([
    ['our own page', {}, true],
    ['a program that is no browser', { origin: undefined, fetchSite: undefined }, true],
    ['another site', { origin: 'http://evil.example', fetchSite: 'cross-site' }, false],
    ['another site, an old browser', { origin: 'http://evil.example', fetchSite: undefined }, false],
    ['another port', { origin: 'http://loa.local:9090', fetchSite: 'same-site' }, false],
    ['a sandboxed frame', { origin: 'null', fetchSite: undefined }, false],
    ['a cross-site request that hides its origin', { origin: undefined, fetchSite: 'cross-site' }, false],
    [
      'a link on another site, which only reads',
      { method: 'GET', origin: undefined, fetchSite: 'cross-site' },
      true,
    ],
    [
      'a WebSocket that another site opens',
      { method: 'GET', isUpgrade: true, origin: 'http://evil.example', fetchSite: undefined },
      false,
    ],
    ['the public address behind a proxy', { host: '127.0.0.1:8080', origin: 'https://loa.example' }, true],
  ])('%s', (_who, change, expected) => {
    expect(isSameOrigin({ ...post, ...change }, new URL('https://loa.example'))).toBe(expected);
  });
});
