import { z } from 'zod';
import { latencyChoiceSchema } from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import type { Platform } from '../platform.ts';
import { personOf } from '../sessions/visitor.ts';

/** A query with one unit holds no list. */
const unitIdsSchema = z.union([z.string(), z.array(z.string()).max(500)]);

/** What a speaker chooses from before speaking. */
export function addLatenciesRoute(app: App, { air }: Pick<Platform, 'air'>): void {
  app.route({
    method: 'GET',
    url: '/api/live/latencies',
    schema: {
      summary: 'How late a live microphone would be heard in some units now, by setting',
      querystring: z.object({ unitIds: unitIdsSchema }),
      response: { 200: latencyChoiceSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.send(await air.latencies(personOf(request).person, [request.query.unitIds].flat())),
  });
}
