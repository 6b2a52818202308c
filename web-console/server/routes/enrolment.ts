import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  addedDeviceSchema,
  boardQuestionSchema,
  deviceIdSchema,
  newDeviceSchema,
  retirementSchema,
  waitingBoardSchema,
} from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import type { Platform } from '../platform.ts';
import { networkOf } from '../sessions/sign-in-brake.ts';
import { personOf } from '../sessions/visitor.ts';

const deviceParams = z.object({ id: deviceIdSchema });

const officerOf = (request: FastifyRequest) => ({
  person: personOf(request).person,
  address: networkOf(request.ip),
});

/** Boards that come into service, and leave it. Codes travel in bodies: addresses are logged. */
export function addEnrolmentRoutes(app: App, { enrolment }: Pick<Platform, 'enrolment'>): void {
  app.route({
    method: 'POST',
    url: '/api/boards',
    schema: {
      summary: 'Which board waits with this code?',
      body: boardQuestionSchema,
      response: { 200: waitingBoardSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.send(await enrolment.find(officerOf(request), request.body.code)),
  });
  app.route({
    method: 'POST',
    url: '/api/devices',
    schema: {
      summary: 'Add a receiver: the board with this code gets this place',
      body: newDeviceSchema,
      response: { 201: addedDeviceSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.code(201).send(await enrolment.add(officerOf(request), request.body)),
  });
  addLaterRoutes(app, enrolment);
}

function addLaterRoutes(app: App, enrolment: Platform['enrolment']): void {
  app.route({
    method: 'POST',
    url: '/api/devices/:id/board',
    schema: {
      summary: 'Put the board with this code in the place of a broken one',
      params: deviceParams,
      body: boardQuestionSchema,
      response: { 200: addedDeviceSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.send(await enrolment.exchange(officerOf(request), request.params.id, request.body.code)),
  });
  app.route({
    method: 'POST',
    url: '/api/devices/:id/retire',
    schema: {
      summary: 'Take a receiver out of service: it is wiped and shut out',
      params: deviceParams,
      response: { 200: retirementSchema, ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.send(await enrolment.retire(personOf(request).person, request.params.id)),
  });
}
