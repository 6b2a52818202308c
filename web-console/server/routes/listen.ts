import { z } from 'zod';
import {
  commandIdSchema,
  deviceIdSchema,
  listenAnswerSchema,
  listenSchema,
  LoaLangError,
} from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import { sendSound } from '../http/send-sound.ts';
import type { Platform } from '../platform.ts';
import { personOf } from '../sessions/visitor.ts';

/** Hearing what a receiver plays. */
export function addListenRoutes(app: App, { fleet }: Pick<Platform, 'fleet'>): void {
  app.route({
    method: 'POST',
    url: '/api/devices/:id/listen',
    schema: {
      summary: 'Ask a receiver for what it played; the sound waits under the answered id',
      params: z.object({ id: deviceIdSchema }),
      body: listenSchema,
      response: { 200: listenAnswerSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.send(await fleet.listen(personOf(request).person, request.params.id, request.body)),
  });
  app.route({
    method: 'GET',
    url: '/api/recordings/:id',
    schema: {
      summary: 'The sound of a receiver (Ogg Opus), for a minute; takes ranges',
      params: z.object({ id: commandIdSchema }),
      response: errorAnswers,
    },
    handler: async (request, reply) => {
      const { id } = request.params;
      const bytes = await fleet.recording(personOf(request).person, id);
      if (bytes === null) throw new LoaLangError('NOT_FOUND');
      return sendSound(request, reply, { source: { bytes }, tag: id });
    },
  });
}
