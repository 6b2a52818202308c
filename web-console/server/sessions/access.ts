import type { FastifyRequest } from 'fastify';
import { LoaLangError, type RouteRole, routeRules } from '@loalang/shared';
import type { App } from '../http/app.ts';
import type { Platform } from '../platform.ts';
import { readSessionToken } from './cookie.ts';
import type { Visitor } from './visitor.ts';

type Identifying = Pick<Platform, 'people' | 'fleet'>;

const rules = new Map<string, readonly RouteRole[]>(Object.entries(routeRules));
const NOBODY: Visitor = { kind: 'nobody' };

/**
 * One table says who may use which route. A route without a row there stops the server from starting, so none is ever
 * open by oversight. Everybody is looked at before the body is read.
 */
export function enforceAccess(app: App, platform: Identifying): void {
  app.decorateRequest('visitor', null);
  app.addHook('onRoute', (route) => {
    const methods = Array.isArray(route.method) ? route.method : [route.method];
    for (const method of methods) {
      const allowed = rules.get(`${method} ${route.url}`);
      if (allowed === undefined) throw new Error(`${method} ${route.url} has no row in routeRules`);
      route.config = { ...route.config, allowed };
    }
  });
  app.addHook('onRequest', async (request) => {
    if (request.is404) return;
    const allowed = request.routeOptions.config.allowed ?? [];
    request.visitor = await admit(request, allowed, platform);
  });
}

async function admit(
  request: FastifyRequest,
  allowed: readonly RouteRole[],
  platform: Identifying,
): Promise<Visitor> {
  if (allowed.includes('anyone')) return NOBODY;
  if (allowed.includes('receiver')) return admitReceiver(request, platform);
  const visitor = await findPerson(request, platform);
  if (visitor.kind !== 'person') throw new LoaLangError('SIGN_IN_REQUIRED');
  if (!allowed.includes(visitor.person.role)) throw new LoaLangError('FORBIDDEN');
  return visitor;
}

async function findPerson(request: FastifyRequest, { people }: Identifying): Promise<Visitor> {
  const sessionToken = readSessionToken(request);
  if (sessionToken === null) return NOBODY;
  const session = await people.session(sessionToken);
  return session === null ? NOBODY : { kind: 'person', person: session.person, sessionToken };
}

/** `Authorization: LoaLang <credential> <token>`: the receiver's credential and a proof, by its own key, that it is there. */
async function admitReceiver(request: FastifyRequest, { fleet }: Identifying): Promise<Visitor> {
  const [scheme, credential, token, ...rest] = request.headers.authorization?.split(' ') ?? [];
  if (scheme !== 'LoaLang' || credential === undefined || token === undefined || rest.length > 0) {
    throw new LoaLangError('DEVICE_UNKNOWN');
  }
  const deviceId = await fleet.identify(credential, token);
  if (deviceId === null) throw new LoaLangError('DEVICE_UNKNOWN');
  return { kind: 'receiver', deviceId };
}
