import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Audio, audioIdSchema, audioSchema, LoaLangError } from '@loalang/shared';
import { errorAnswers, type App } from '../http/app.ts';
import { sendSound } from '../http/send-sound.ts';
import type { Platform } from '../platform.ts';
import type { SessionWatch } from '../sessions/session-watch.ts';
import { personOf } from '../sessions/visitor.ts';

const MAX_FILENAME = 300;
const audioParams = z.object({ id: audioIdSchema });

export interface AudioParts {
  readonly platform: Pick<Platform, 'library' | 'people'>;
  readonly sessions: SessionWatch;
}

/** The library: one for all units, since what one commune recorded another may send. */
export async function addAudioRoutes(app: App, parts: AudioParts): Promise<void> {
  const { library } = parts.platform;
  app.route({
    method: 'GET',
    url: '/api/audio',
    schema: {
      summary: 'The library, newest first',
      response: { 200: z.array(audioSchema), ...errorAnswers },
    },
    handler: async (request, reply) => reply.send(await library.list()),
  });
  app.route({
    method: 'GET',
    url: '/api/audio/:id',
    schema: { summary: 'One file', params: audioParams, response: { 200: audioSchema, ...errorAnswers } },
    handler: async (request, reply) => reply.send(await library.get(request.params.id)),
  });
  app.route({
    method: 'GET',
    url: '/api/audio/:id/sound',
    schema: { summary: 'Its sound (Ogg Opus); takes ranges', params: audioParams, response: errorAnswers },
    handler: async (request, reply) => {
      const { sha256 } = await library.get(request.params.id);
      return sendSound(request, reply, { source: { path: library.path(sha256) }, tag: sha256 });
    },
  });
  await addUploadRoute(app, parts);
}

async function addUploadRoute(app: App, parts: AudioParts): Promise<void> {
  await app.register(async (uploads: App) => {
    // The library bounds what it reads; a bound here would cut a file short without a word.
    await uploads.register(multipart, {
      limits: { files: 1, fields: 0, parts: 1, fileSize: Number.MAX_SAFE_INTEGER, headerPairs: 20 },
      throwFileSizeLimit: false,
    });
    uploads.route({
      method: 'POST',
      url: '/api/audio',
      schema: { summary: 'Upload one file', response: { 201: audioSchema, ...errorAnswers } },
      handler: async (request, reply) => reply.code(201).send(await upload(request, parts)),
    });
  });
}

/** Streams the file into the library. The client's going away or the session's end leaves nothing behind. */
async function upload(request: FastifyRequest, parts: AudioParts): Promise<Audio> {
  const { person, sessionToken } = personOf(request);
  const part = await request.file();
  if (part === undefined) throw new LoaLangError('INPUT_INVALID', { field: 'file' });
  const stop = new AbortController();
  const unwatch = parts.sessions.watch(sessionToken, () => stop.abort(new LoaLangError('SIGN_IN_REQUIRED')));
  const breakOff = (): void => {
    if (!request.raw.complete) stop.abort(new LoaLangError('AUDIO_UPLOAD_BROKEN'));
  };
  request.raw.once('close', breakOff);
  try {
    return await parts.platform.library.ingest(part.file, {
      filename: part.filename.slice(0, MAX_FILENAME),
      personId: person.id,
      signal: stop.signal,
      beforeCommit: async () => {
        const session = await parts.platform.people.session(sessionToken);
        if (session === null) throw new LoaLangError('SIGN_IN_REQUIRED');
      },
    });
  } catch (error) {
    // Whatever the library saw of it (an abort, a broken stream), the reason is ours.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    unwatch();
    request.raw.off('close', breakOff);
  }
}
