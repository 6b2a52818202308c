import { describe, expect, test } from 'vitest';
import { brokerUrlSchema, readBrokerUrl, readPlatformUrl } from './broker-url.ts';

describe('the address of a broker', () => {
  test.each([
    ['mqtt://localhost', [{ host: 'localhost', port: 1883, isTls: false }]],
    ['mqtt://[::1]:1', [{ host: '::1', port: 1, isTls: false }]],
    ['mqtts://broker.example', [{ host: 'broker.example', port: 8883, isTls: true }]],
    [
      'mqtts://a.example, mqtts://b.example:8884',
      [
        { host: 'a.example', port: 8883, isTls: true },
        { host: 'b.example', port: 8884, isTls: true },
      ],
    ],
  ])('%s', (text, addresses) => {
    expect(readBrokerUrl(text)).toEqual(addresses);
    expect(brokerUrlSchema.parse(text)).toBe(text);
  });

  test.each([
    ['mqtt://broker.example', 'use mqtts://'],
    ['mqtt://127.0.0.1.example', 'use mqtts://'],
    ['mqtts://a.example,mqtt://b.example', 'use mqtts://'],
    ['ws://localhost', 'not an mqtt://'],
    ['mqtts://a.example,', 'not an mqtt://'],
    ['localhost:1883', 'not an mqtt://'],
    ['', 'not an mqtt://'],
    [Array.from({ length: 9 }, () => 'mqtts://a.example').join(','), 'more than 8'],
  ])('%s is refused with a reason', (text, reason) => {
    expect(() => readBrokerUrl(text)).toThrow(reason);
    expect(brokerUrlSchema.safeParse(text).error?.issues[0]?.message).toContain(reason);
  });
});

test('the platform is reached by https, and by http on this machine alone', () => {
  expect(readPlatformUrl('https://loa.example/').host).toBe('loa.example');
  expect(readPlatformUrl('http://127.0.0.1:8080').port).toBe('8080');
  expect(() => readPlatformUrl('http://loa.example')).toThrow('use https://');
  expect(() => readPlatformUrl('loa.example')).toThrow('no http:// or https://');
});
