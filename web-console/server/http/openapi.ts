import swagger from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { routeRules } from '@loalang/shared';
import { errorAnswers, type App } from './app.ts';

/** Bodies that are streamed, not parsed, so that no zod schema of the route describes them. */
const streamedBodies: Readonly<Record<string, { mediaType: string; schema: object }>> = {
  'POST /api/audio': {
    mediaType: 'multipart/form-data',
    schema: {
      type: 'object',
      properties: { file: { type: 'string', contentMediaType: 'application/octet-stream' } },
      required: ['file'],
    },
  },
  'PUT /device/recordings/:id': {
    mediaType: 'audio/ogg',
    schema: { type: 'string', contentMediaType: 'audio/ogg' },
  },
};

/** Describes every route as OpenAPI 3.1, whose schemas are JSON Schema as zod writes it. Comes before any route. */
export async function describeRoutes(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Loa Làng', version, description: 'The console, and what receivers ask for over HTTP.' },
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: 'loalang' },
          receiver: { type: 'apiKey', in: 'header', name: 'authorization' },
        },
      },
    },
    transform: (document) => {
      const { schema, url } = jsonSchemaTransform(document);
      const { method } = document.route;
      const name = `${String(method)} ${document.url}`;
      const body = streamedBodies[name];
      return {
        url,
        schema: {
          ...schema,
          security: securityOf(name),
          operationId: operationIdOf(name),
          ...(body === undefined ? {} : { body: body.schema, consumes: [body.mediaType] }),
        },
      };
    },
  });
}

function securityOf(name: string): Record<string, string[]>[] {
  const allowed = new Map<string, readonly string[]>(Object.entries(routeRules)).get(name) ?? [];
  if (allowed.includes('anyone')) return [];
  return [allowed.includes('receiver') ? { receiver: [] } : { session: [] }];
}

/** `POST /api/broadcasts/:id/stop` becomes `postBroadcastsIdStop`. */
function operationIdOf(name: string): string {
  const [method = '', path = ''] = name.split(' ');
  const words = path.replace(/^\/api/, '').match(/[A-Za-z0-9]+/g) ?? [];
  return method.toLowerCase() + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

/** Serves the document. */
export function addOpenApiRoute(app: App): void {
  app.route({
    method: 'GET',
    url: '/api/openapi.json',
    schema: {
      summary: 'This document',
      response: { 200: z.looseObject({ openapi: z.string() }), ...errorAnswers },
    },
    handler: async (_request, reply) => reply.send({ ...app.swagger(), openapi: '3.1.0' }),
  });
}
