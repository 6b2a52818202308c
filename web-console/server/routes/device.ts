import rateLimit from '@fastify/rate-limit';
import { z } from 'zod';
import {
  commandIdSchema,
  joinAnswerSchema,
  joinRequestSchema,
  LoaLangError,
  nonceSchema,
  sha256Schema,
} from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import { sendSound } from '../http/send-sound.ts';
import type { Platform } from '../platform.ts';
import { networkOf } from '../sessions/sign-in-brake.ts';
import { receiverOf } from '../sessions/visitor.ts';

/** Ten seconds of Opus at the highest rate are 640 kB. */
const MAX_RECORDING_BYTES = 2 * 1024 * 1024;
/**
 * A waiting board asks every few seconds. Carriers put a whole district behind one address, so the bound is on what one
 * address may cost, not on what one board needs.
 */
const JOINS_A_MINUTE = 300;
const TIMES_A_MINUTE = 6_000;

/** What receivers ask for over HTTP. */
export async function addDeviceRoutes(
  app: App,
  platform: Pick<Platform, 'fleet' | 'enrolment' | 'library'>,
): Promise<void> {
  await app.register(async (limited: App) => {
    await limited.register(rateLimit, {
      timeWindow: '1 minute',
      cache: 10_000,
      ipv6Subnet: 64,
      errorResponseBuilder: (_request, { ttl }) =>
        new LoaLangError('TOO_MANY_REQUESTS', { seconds: Math.ceil(ttl / 1000) }),
    });
    addOpenRoutes(limited, platform);
  });
  addAssetRoute(app, platform);
  await app.register(async (recordings: App) => {
    recordings.addContentTypeParser('audio/ogg', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    addRecordingRoute(recordings, platform);
  });
}

function addOpenRoutes(app: App, { fleet, enrolment }: Pick<Platform, 'fleet' | 'enrolment'>): void {
  app.route({
    method: 'GET',
    url: '/device/time',
    config: { rateLimit: { max: TIMES_A_MINUTE } },
    schema: {
      summary: 'The hour, signed over the nonce: a compact JWS as text',
      querystring: z.object({ nonce: nonceSchema }),
      response: { 200: z.string(), ...errorAnswers },
    },
    handler: async (request, reply) =>
      reply.type('text/plain; charset=utf-8').send(await fleet.signedTime(request.query.nonce)),
  });
  app.route({
    method: 'POST',
    url: '/device/join',
    config: { rateLimit: { max: JOINS_A_MINUTE } },
    schema: {
      summary: 'A board shows its key and its code',
      body: joinRequestSchema,
      response: { 200: joinAnswerSchema, ...errorAnswers },
    },
    handler: async (request, reply) => reply.send(await enrolment.join(request.body, networkOf(request.ip))),
  });
}

function addAssetRoute(app: App, { fleet, library }: Pick<Platform, 'fleet' | 'library'>): void {
  app.route({
    method: 'GET',
    url: '/device/assets/:sha256',
    schema: {
      summary: 'Audio (Ogg Opus) that stands in the plan of this receiver; takes ranges',
      params: z.object({ sha256: sha256Schema }),
      response: errorAnswers,
    },
    handler: async (request, reply) => {
      const { sha256 } = request.params;
      if (!(await fleet.mayFetchAsset(receiverOf(request), sha256))) throw new LoaLangError('NOT_FOUND');
      return sendSound(request, reply, { source: { path: library.path(sha256) }, tag: sha256 });
    },
  });
}

function addRecordingRoute(app: App, { fleet }: Pick<Platform, 'fleet'>): void {
  app.route({
    method: 'PUT',
    url: '/device/recordings/:id',
    bodyLimit: MAX_RECORDING_BYTES,
    schema: {
      summary: 'What a `listen` command asked for, as Ogg Opus',
      params: z.object({ id: commandIdSchema }),
      body: z.instanceof(Buffer),
      response: { 204: z.null(), ...errorAnswers },
    },
    handler: async (request, reply) => {
      const isTaken = fleet.takeRecording(receiverOf(request), request.params.id, request.body);
      if (!isTaken) throw new LoaLangError('NOT_FOUND');
      return reply.code(204).send(null);
    },
  });
}
