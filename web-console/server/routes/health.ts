import { healthSchema } from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import type { Platform } from '../platform.ts';

/** Whether the server answers and keeps the right time, for load balancers, monitors and `npm start`. */
export function addHealthRoute(
  app: App,
  { clock, timeHealth }: Pick<Platform, 'clock' | 'timeHealth'>,
): void {
  app.route({
    method: 'GET',
    url: '/api/health',
    schema: {
      summary: 'Does the server answer, and what is wrong with its time?',
      response: { 200: healthSchema, ...errorAnswers },
    },
    handler: async (_request, reply) =>
      reply.send({ status: 'ok' as const, at: clock.now(), time: timeHealth() }),
  });
}
