import { z } from 'zod';
import { unitSchema } from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import type { Platform } from '../platform.ts';
import { personOf } from '../sessions/visitor.ts';

/** Places. */
export function addUnitRoutes(app: App, { units }: Pick<Platform, 'units'>): void {
  app.route({
    method: 'GET',
    url: '/api/units',
    schema: { summary: 'My unit and all below it', response: { 200: z.array(unitSchema), ...errorAnswers } },
    handler: async (request, reply) => reply.send(await units.list(personOf(request).person.unit.id)),
  });
}
