import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorAnswerSchema } from '@loalang/shared';
import { PASSWORD, startStation, type Station } from './testing/station.ts';

const errorOf = (answer: { body: string }) => errorAnswerSchema.parse(JSON.parse(answer.body)).error;

let station: Station;
beforeAll(async () => {
  station = await startStation();
});
afterAll(() => station.close());

const post = (url: string, payload: object, more: object = {}) =>
  station.console.app.inject({ method: 'POST', url, payload, ...more });

describe('signing in', () => {
  it('gives a cookie that scripts and other sites can not use', async () => {
    const answer = await post('/api/sign-in', { username: ' LAN ', password: PASSWORD });
    expect(answer.json()).toEqual(station.people.operator);
    expect(answer.cookies).toEqual([
      expect.objectContaining({ name: 'loalang', path: '/', httpOnly: true, sameSite: 'Strict' }),
    ]);
    expect(answer.cookies[0]).not.toHaveProperty('secure');
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it.each([
    ['/api/sign-in', { username: 'la\u0000n', password: PASSWORD }, 'username'],
    ['/device/join', { code: 'ABCD2346', key: 'A'.repeat(43), model: 'a\u0000' }, 'model'],
  ])('refuses what no database can store at %s', async (url, payload, field) => {
    expect(errorOf(await post(url, payload))).toMatchObject({ code: 'INPUT_INVALID', field });
  });

  it('ends the session that the browser had before', async () => {
    const old = await station.signIn('lan');
    await post('/api/sign-in', { username: 'lan', password: PASSWORD }, { cookies: old });
    const answer = await station.console.app.inject({ url: '/api/me', cookies: old });
    expect(answer.statusCode).toBe(401);
  });

  it('ends with signing out, and the cookie goes', async () => {
    const cookies = await station.signIn('lan');
    const out = await post('/api/sign-out', {}, { cookies });
    expect([out.statusCode, out.cookies[0]?.value]).toEqual([204, '']);
    expect((await station.console.app.inject({ url: '/api/me', cookies })).statusCode).toBe(401);
  });

  it('works once by a link', async () => {
    const token = await station.scheduler.people.createLink(station.people.operator.id);
    const first = await post('/api/sign-in/link', { token });
    expect(first.json()).toEqual(station.people.operator);
    const second = await post('/api/sign-in/link', { token });
    expect([second.statusCode, errorOf(second).code]).toEqual([401, 'SIGN_IN_LINK_USED']);
  });

  it('says the same of a wrong name and a wrong password', async () => {
    const name = await post('/api/sign-in', { username: 'khong-co', password: PASSWORD });
    const password = await post('/api/sign-in', { username: 'hiep', password: 'sai rồi nhé' });
    expect([name.statusCode, name.body]).toEqual([401, password.body]);
    expect(errorOf(name)).toEqual({
      code: 'SIGN_IN_WRONG',
      vi: 'Tên đăng nhập hoặc mật khẩu chưa đúng.',
      en: 'The user name or the password is wrong.',
    });
  });

  it('is slowed after five failures, and says for how long', async () => {
    const answers = [];
    for (let count = 0; count < 6; count += 1) {
      const from = { remoteAddress: '10.9.8.7' };
      answers.push(await post('/api/sign-in', { username: 'lan', password: 'sai' }, from));
    }
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([401, 401, 401, 401, 401, 429]);
    const slowed = answers.at(-1) ?? expect.fail('six answers');
    expect([slowed.statusCode, errorOf(slowed).code]).toEqual([429, 'TOO_MANY_REQUESTS']);
    expect(Number(slowed.headers['retry-after'])).toBeGreaterThan(50);
    expect(errorOf(slowed).vi).toBe(
      `Đã thử quá nhiều lần. Đợi ${slowed.headers['retry-after']} giây rồi thử lại.`,
    );
  });

  it('bounds how many links an address may try', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 21; count += 1) {
      const from = { remoteAddress: '10.9.8.6' };
      statuses.push((await post('/api/sign-in/link', { token: 'y'.repeat(43) }, from)).statusCode);
    }
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 401), 429]);
  });
});

describe('a request from another site', () => {
  it.each([
    ['POST', '/api/stop'],
    ['POST', '/api/sign-in'],
    ['PUT', '/api/me/password'],
  ] as const)('%s %s is refused, whoever is signed in', async (method, url) => {
    const answer = await station.console.app.inject({
      method,
      url,
      cookies: station.cookies.administrator,
      headers: { origin: 'http://evil.example', host: 'loa.local' },
      payload: {},
    });
    expect([answer.statusCode, errorOf(answer).code]).toEqual([403, 'FORBIDDEN']);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded'])('can not post a form as %s', async (type) => {
    const answer = await station.console.app.inject({
      method: 'POST',
      url: '/api/sign-in',
      headers: { 'content-type': type },
      payload: '{"username":"lan","password":"x"}',
    });
    expect([answer.statusCode, errorOf(answer).field]).toEqual([400, 'content-type']);
  });
});

describe('an answer', () => {
  it.each(['/%', '/api/%ff'])('to the address %s has the one shape', async (url) => {
    const answer = await station.console.app.inject({ url });
    expect([answer.statusCode, errorOf(answer).code]).toEqual([400, 'INPUT_INVALID']);
  });

  it('lets a page load nothing but our own', async () => {
    const { headers } = await station.console.app.inject({
      url: '/api/health',
      headers: { host: 'loa.local:8080' },
    });
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).toContain("connect-src 'self' ws://loa.local:8080;");
    expect(headers['content-security-policy']).not.toContain('unsafe-eval');
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
    });
  });
});
