import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { errorAnswerSchema, type RouteName, type RouteRole, routeRules } from '@loalang/shared';
import { startStation, type Station, type Who } from './testing/station.ts';

let station: Station;
beforeAll(async () => {
  station = await startStation();
});
afterAll(() => station.close());

const ID = '0'.repeat(32);
const UUID = '00000000-0000-4000-8000-000000000000';

interface Wellformed {
  readonly params?: Readonly<Record<string, string>>;
  readonly payload?: object;
  readonly query?: string;
}

/** What makes a request of a route well-formed; none of it succeeds in changing anything. */
const requests: Record<RouteName, Wellformed> = {
  'GET /api/health': {},
  'GET /api/openapi.json': {},
  'POST /api/sign-in': { payload: { username: 'nobody', password: 'wrong' } },
  'POST /api/sign-in/link': { payload: { token: 'x'.repeat(30) } },
  'POST /api/sign-out': {},
  'GET /api/me': {},
  'PUT /api/me/password': { payload: { current: 'wrong', next: 'mật khẩu mới nữa' } },
  'GET /api/people': {},
  'POST /api/people': {
    payload: { username: 'x1', name: 'X', role: 'operator', unitId: 'none', password: '0123456789' },
  },
  'GET /api/units': {},
  'GET /api/today': {},
  'GET /api/today/events': {},
  'GET /api/audio': {},
  'POST /api/audio': {},
  'GET /api/audio/:id': { params: { id: UUID } },
  'GET /api/audio/:id/sound': { params: { id: UUID } },
  'POST /api/broadcasts': {
    payload: { audioId: UUID, title: 'T', unitIds: ['an-lac'], startAt: null, priority: 'normal' },
  },
  'GET /api/broadcasts/:id': { params: { id: ID } },
  'POST /api/broadcasts/:id/stop': { params: { id: ID } },
  'POST /api/stop': {},
  'GET /api/live': {},
  'GET /api/live/latencies': { query: '?unitIds=an-lac' },
  'POST /api/boards': { payload: { code: '11111111' } },
  'POST /api/devices': { payload: { code: '11111111', unitId: 'an-lac', number: 9, name: 'Loa 9' } },
  'POST /api/devices/:id/board': { params: { id: 'd-aaaaaaaaaa' }, payload: { code: '11111111' } },
  'POST /api/devices/:id/retire': { params: { id: 'd-aaaaaaaaaa' } },
  'PUT /api/devices/:id': { params: { id: 'd-aaaaaaaaaa' }, payload: { acousticOffsetMs: 0 } },
  'POST /api/devices/:id/listen': {
    params: { id: 'd-aaaaaaaaaa' },
    payload: { from: null, durationMs: 1000 },
  },
  'GET /api/recordings/:id': { params: { id: ID } },
  'GET /device/time': { query: '?nonce=0123456789abcdef' },
  'POST /device/join': { payload: { code: 'ZZZZZZZZ', key: 'A'.repeat(43), model: 'board' } },
  'GET /device/assets/:sha256': { params: { sha256: '0'.repeat(64) } },
  'PUT /device/recordings/:id': { params: { id: ID } },
};

const rows = new Map<string, readonly RouteRole[]>(Object.entries(routeRules));

const wellformed = new Map<string, Wellformed>(Object.entries(requests));
const methodSchema = z.enum(['GET', 'POST', 'PUT']);

async function ask(route: string, who: Who | 'receiver') {
  const [method = '', path = ''] = route.split(' ');
  const { params = {}, payload, query = '' } = wellformed.get(route) ?? {};
  const url = path.replace(/:(\w+)/g, (_whole, name: string) => params[name] ?? '') + query;
  // Signing out takes the session; it gets one of its own.
  const usernames = { administrator: 'quantri', operator: 'lan', foreigner: 'hiep' };
  const isSignOut = route === 'POST /api/sign-out' && who in usernames;
  const cookies =
    who === 'receiver'
      ? {}
      : isSignOut && who !== 'nobody'
        ? await station.signIn(usernames[who])
        : station.cookies[who];
  return await station.console.app.inject({
    method: methodSchema.parse(method),
    url,
    cookies,
    headers: who === 'receiver' ? { authorization: await station.receiver.authorization() } : {},
    ...(payload === undefined ? {} : { payload }),
  });
}

function codeOf(body: string): string | null {
  if (body === '') return null;
  try {
    return errorAnswerSchema.safeParse(JSON.parse(body)).data?.error.code ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** How the door answers: its refusals are told from whatever the route itself says afterwards. */
function refusalOf(answer: { statusCode: number; body: string }): string | null {
  const code = codeOf(answer.body);
  const isRefusal = code === 'SIGN_IN_REQUIRED' || code === 'FORBIDDEN' || code === 'DEVICE_UNKNOWN';
  return isRefusal ? `${answer.statusCode} ${code}` : null;
}

function expectedRefusal(allowed: readonly RouteRole[], who: Who | 'receiver'): string | null {
  const role = who === 'foreigner' ? 'operator' : who;
  if (allowed.includes('anyone') || (role !== 'nobody' && allowed.includes(role))) return null;
  if (allowed.includes('receiver')) return '401 DEVICE_UNKNOWN';
  return role === 'operator' ? '403 FORBIDDEN' : '401 SIGN_IN_REQUIRED';
}

describe.each([...rows])('%s', (route, allowed) => {
  it.each(['nobody', 'receiver', 'operator', 'foreigner', 'administrator'] as const)(
    `answers %s as its row of routeRules says`,
    async (who) => {
      const answer = await ask(route, who);
      expect(refusalOf(answer)).toBe(expectedRefusal(allowed, who));
      expect(answer.statusCode).toBeLessThan(500);
    },
  );
});

describe('the door', () => {
  it('takes a token of a receiver once', async () => {
    const authorization = await station.receiver.authorization();
    const get = () =>
      station.console.app.inject({ url: `/device/assets/${'0'.repeat(64)}`, headers: { authorization } });
    expect((await get()).statusCode).toBe(404);
    expect(codeOf((await get()).body)).toBe('DEVICE_UNKNOWN');
  });

  it.each(['LoaLang', 'LoaLang a', 'LoaLang a b c', 'Bearer a b', 'LoaLang a.b.c d.e.f'])(
    'refuses the authorization %j',
    async (authorization) => {
      const answer = await station.console.app.inject({
        url: `/device/assets/${'0'.repeat(64)}`,
        headers: { authorization },
      });
      expect([answer.statusCode, codeOf(answer.body)]).toEqual([401, 'DEVICE_UNKNOWN']);
    },
  );

  it('refuses to start with a route that has no row', async () => {
    const { fastify } = await import('fastify');
    const { enforceAccess } = await import('./sessions/access.ts');
    const { serializerCompiler, validatorCompiler } = await import('fastify-type-provider-zod');
    const app = fastify();
    app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler);
    enforceAccess(app.withTypeProvider(), station.scheduler);
    expect(() => app.get('/api/back-door', () => 'open')).toThrow(
      'GET /api/back-door has no row in routeRules',
    );
    await app.close();
  });
});
