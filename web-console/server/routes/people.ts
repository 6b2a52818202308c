import { z } from 'zod';
import { newPersonSchema, passwordChangeSchema, personSchema } from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import type { Platform } from '../platform.ts';
import { personOf } from '../sessions/visitor.ts';

/** Who uses the console. */
export function addPeopleRoutes(app: App, { people }: Pick<Platform, 'people'>): void {
  app.route({
    method: 'GET',
    url: '/api/me',
    schema: { summary: 'Who is signed in', response: { 200: personSchema, ...errorAnswers } },
    handler: async (request, reply) => reply.send(personOf(request).person),
  });
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
      await people.changePassword(person.id, { ...request.body, sessionToken });
      return reply.code(204).send(null);
    },
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
