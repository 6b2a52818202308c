import rateLimit from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { LoaLangError, personSchema, signInLinkSchema, signInSchema } from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import type { OpenedSession, Platform } from '../platform.ts';
import { clearSessionCookie, readSessionToken, setSessionCookie } from '../sessions/cookie.ts';
import type { SessionWatch } from '../sessions/session-watch.ts';
import type { SignInBrake } from '../sessions/sign-in-brake.ts';
import { personOf } from '../sessions/visitor.ts';

/** Links are long random numbers; this only keeps an address from costing the database much. */
const LINKS_A_MINUTE = 20;

export interface SignInParts {
  readonly platform: Platform;
  readonly brake: SignInBrake;
  readonly sessions: SessionWatch;
  readonly isHttps: (request: FastifyRequest) => boolean;
}

/** Signing in and out. */
export async function addSignInRoutes(app: App, parts: SignInParts): Promise<void> {
  addPasswordRoute(app, parts);
  await addLinkRoute(app, parts);
  app.route({
    method: 'POST',
    url: '/api/sign-out',
    schema: { summary: 'End this session', response: { 204: z.null(), ...errorAnswers } },
    handler: async (request, reply) => {
      const { sessionToken } = personOf(request);
      await parts.platform.people.signOut(sessionToken);
      parts.sessions.end(sessionToken);
      clearSessionCookie(reply);
      return reply.code(204).send(null);
    },
  });
}

function addPasswordRoute(app: App, parts: SignInParts): void {
  app.route({
    method: 'POST',
    url: '/api/sign-in',
    schema: {
      summary: 'Sign in by name and password',
      body: signInSchema,
      response: { 200: personSchema, ...errorAnswers },
    },
    handler: async (request, reply) => {
      const { username } = request.body;
      const seconds = parts.brake.begin(username, request.ip);
      if (seconds > 0) throw new LoaLangError('TOO_MANY_REQUESTS', { seconds });
      const opened = await parts.platform.people.signIn(request.body);
      parts.brake.succeed(username, request.ip);
      await replaceSession(request, reply, parts, opened);
      return reply.send(opened.person);
    },
  });
}

async function addLinkRoute(app: App, parts: SignInParts): Promise<void> {
  await app.register(async (limited: App) => {
    await limited.register(rateLimit, {
      max: LINKS_A_MINUTE,
      timeWindow: '1 minute',
      cache: 10_000,
      ipv6Subnet: 64,
      errorResponseBuilder: (_request, { ttl }) =>
        new LoaLangError('TOO_MANY_REQUESTS', { seconds: Math.ceil(ttl / 1000) }),
    });
    limited.route({
      method: 'POST',
      url: '/api/sign-in/link',
      schema: {
        summary: 'Sign in by a one-time link',
        body: signInLinkSchema,
        response: { 200: personSchema, ...errorAnswers },
      },
      handler: async (request, reply) => {
        const opened = await parts.platform.people.signInByLink(request.body.token);
        await replaceSession(request, reply, parts, opened);
        return reply.send(opened.person);
      },
    });
  });
}

/** A browser holds one session: the one it had ends, so that none is left that its owner can't see. */
async function replaceSession(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: SignInParts,
  opened: OpenedSession,
): Promise<void> {
  const old = readSessionToken(request);
  if (old !== null) {
    await parts.platform.people.signOut(old);
    parts.sessions.end(old);
  }
  setSessionCookie(reply, { token: opened.token, isHttps: parts.isHttps(request) });
}
