import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { errorAnswerSchema } from '@loalang/shared';

/** Fastify with zod schemas: what every file of routes adds to. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Part of the `response` schema of every route: whatever goes wrong has one shape. */
export const errorAnswers = { '4xx': errorAnswerSchema, '5xx': errorAnswerSchema } as const;
