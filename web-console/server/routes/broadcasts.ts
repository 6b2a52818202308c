import { z } from 'zod';
import {
  broadcastDetailSchema,
  broadcastIdSchema,
  broadcastSchema,
  newBroadcastSchema,
  stopAnswerSchema,
  todaySchema,
} from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import type { Platform } from '../platform.ts';
import { personOf } from '../sessions/visitor.ts';

const broadcastParams = z.object({ id: broadcastIdSchema });

/** "Hôm nay", sending files, and stopping. */
export function addBroadcastRoutes(app: App, { broadcasts }: Pick<Platform, 'broadcasts'>): void {
  app.route({
    method: 'GET',
    url: '/api/today',
    schema: {
      summary: 'Receivers and broadcasts of my units',
      response: { 200: todaySchema, ...errorAnswers },
    },
    handler: async (request, reply) => reply.send(await broadcasts.today(personOf(request).person)),
  });
  app.route({
    method: 'POST',
    url: '/api/broadcasts',
    schema: {
      summary: 'Send a file of the library, now or at a time',
      body: newBroadcastSchema,
      response: { 201: broadcastSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.code(201).send(await broadcasts.sendFile(personOf(request).person, request.body)),
  });
  app.route({
    method: 'GET',
    url: '/api/broadcasts/:id',
    schema: {
      summary: 'One broadcast with what every receiver did',
      params: broadcastParams,
      response: { 200: broadcastDetailSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.send(await broadcasts.detail(personOf(request).person, request.params.id)),
  });
  addStopRoutes(app, broadcasts);
}

function addStopRoutes(app: App, broadcasts: Platform['broadcasts']): void {
  app.route({
    method: 'POST',
    url: '/api/broadcasts/:id/stop',
    schema: {
      summary: 'Stop one broadcast',
      params: broadcastParams,
      response: { 200: stopAnswerSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.send(await broadcasts.stop(personOf(request).person, request.params.id)),
  });
  app.route({
    method: 'POST',
    url: '/api/stop',
    schema: {
      summary: 'Stop everything on my receivers',
      response: { 200: stopAnswerSchema, ...errorAnswers },
    },
    handler: async (request, reply) => reply.send(await broadcasts.stopAll(personOf(request).person)),
  });
}
