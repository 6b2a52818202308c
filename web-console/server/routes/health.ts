import { z } from 'zod';
import { type MediaTime, mediaTimeSchema } from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';

const healthSchema = z.object({ status: z.literal('ok'), at: mediaTimeSchema });

/** Whether the server answers, for load balancers and `npm start`. */
export function addHealthRoute(app: App, now: () => MediaTime): void {
  app.route({
    method: 'GET',
    url: '/api/health',
    schema: { summary: 'Does the server answer?', response: { 200: healthSchema, ...errorAnswers } },
    handler: async (_request, reply) => reply.send({ status: 'ok' as const, at: now() }),
  });
}
