import { z } from 'zod';
import { LoaLangError, newPersonSchema, passwordChangeSchema, personSchema } from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import type { Platform } from '../platform.ts';
import type { SignInBrake } from '../sessions/sign-in-brake.ts';
import { personOf } from '../sessions/visitor.ts';

/** Who uses the console. */
export function addPeopleRoutes(
  app: App,
  parts: { platform: Pick<Platform, 'people'>; brake: SignInBrake },
): void {
  const { people } = parts.platform;
  addPasswordRoute(app, parts);
  app.route({
    method: 'GET',
    url: '/api/me',
    schema: { summary: 'Who is signed in', response: { 200: personSchema, ...errorAnswers } },
    handler: async (request, reply) => reply.send(personOf(request).person),
  });
  app.route({
    method: 'GET',
    url: '/api/people',
    schema: { summary: 'Everybody below my unit', response: { 200: z.array(personSchema), ...errorAnswers } },
    handler: async (request, reply) => reply.send(await people.list(personOf(request).person)),
  });
  app.route({
    method: 'POST',
    url: '/api/people',
    schema: {
      summary: 'Add a person',
      body: newPersonSchema,
      response: { 201: personSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.code(201).send(await people.add(personOf(request).person, request.body)),
  });
}

function addPasswordRoute(
  app: App,
  { platform, brake }: { platform: Pick<Platform, 'people'>; brake: SignInBrake },
): void {
  app.route({
    method: 'PUT',
    url: '/api/me/password',
    schema: {
      summary: 'Choose a password; `current` is null where there was none',
      body: passwordChangeSchema,
      response: { 204: z.null(), ...errorAnswers },
    },
    handler: async (request, reply) => {
      const { person, sessionToken } = personOf(request);
      // Whoever finds a console left open must not be able to try passwords there either.
      const seconds = brake.begin(person.username, request.ip);
      if (seconds > 0) throw new LoaLangError('TOO_MANY_REQUESTS', { seconds });
      await platform.people.changePassword(person.id, { ...request.body, sessionToken });
      brake.succeed(person.username, request.ip);
      return reply.code(204).send(null);
    },
  });
}
