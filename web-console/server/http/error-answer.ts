import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import {
  type ErrorAnswer,
  type ErrorCode,
  errorCatalogue,
  type ErrorDetails,
  LoaLangError,
  sentence,
} from '@loalang/shared';
import type { App } from './app.ts';

/** The body of an error answer. */
export function errorAnswer(code: ErrorCode, details: ErrorDetails = {}): ErrorAnswer {
  const { field } = details;
  return {
    error: {
      code,
      vi: sentence(code, 'vi', details),
      en: sentence(code, 'en', details),
      ...(typeof field === 'string' ? { field } : {}),
    },
  };
}

/** Reads anything thrown as an error of the catalogue; what nobody foresaw is INTERNAL with the request's id. */
export function catalogued(error: unknown, requestId: string): LoaLangError {
  if (error instanceof LoaLangError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const path = error.validation[0]?.instancePath.slice(1).replaceAll('/', '.') ?? '';
    const field = path === '' ? (error.validationContext ?? 'body') : path;
    return new LoaLangError('INPUT_INVALID', { field }, { cause: error });
  }
  if (codeOf(error) === 'ENOSPC') return new LoaLangError('DISK_FULL', {}, { cause: error });
  const status = statusOf(error);
  if (status !== null && status >= 400 && status < 500) {
    return new LoaLangError('INPUT_INVALID', { field: fieldOf(codeOf(error)) }, { cause: error });
  }
  return new LoaLangError('INTERNAL', { requestId }, { cause: error });
}

/** Fastify's own refusals, by the part of the request that they are about. */
function fieldOf(code: string | null): string {
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || code === 'FST_INVALID_MULTIPART_CONTENT_TYPE') {
    return 'content-type';
  }
  return 'body';
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

function statusOf(error: unknown): number | null {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : null;
}

/** Gives every error of the server the one shape, and logs what nobody foresaw. */
export function answerErrors(app: App): void {
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
}

/** Sends an error; a reply that has begun already is cut off, which the client sees as broken. */
export function sendError(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const known = catalogued(error, request.id);
  const { status } = errorCatalogue[known.code];
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  else request.log.info({ code: known.code, reason: known.message }, 'request refused');
  const { seconds } = known.details;
  if (seconds !== undefined) reply.header('retry-after', seconds);
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(errorAnswer(known.code, known.details));
}
