import { z } from 'zod';
import { deviceIdSchema, deviceSettingsSchema } from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import type { Platform } from '../platform.ts';
import { personOf } from '../sessions/visitor.ts';

/** Setting a receiver up. */
export function addDeviceSettingsRoute(app: App, { fleet }: Pick<Platform, 'fleet'>): void {
  app.route({
    method: 'PUT',
    url: '/api/devices/:id',
    schema: {
      summary: 'Set a receiver up: how much later it sounds',
      params: z.object({ id: deviceIdSchema }),
      body: deviceSettingsSchema,
      response: { 200: deviceSettingsSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.send(await fleet.change(personOf(request).person, request.params.id, request.body)),
  });
}
