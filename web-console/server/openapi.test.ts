import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { routeRules } from '@loalang/shared';
import { startStation, type Station } from './testing/station.ts';

const operationSchema = z.object({
  operationId: z.string().min(1),
  summary: z.string().min(1),
  parameters: z
    .array(z.object({ name: z.string(), in: z.enum(['path', 'query']), schema: z.looseObject({}) }))
    .optional(),
  requestBody: z
    .object({ content: z.record(z.string(), z.object({ schema: z.looseObject({}) })) })
    .optional(),
  responses: z.record(
    z.string().regex(/^([1-5]\d\d|[1-5]XX|default)$/),
    z.object({ description: z.string() }),
  ),
});
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.string(), version: z.string() }),
  paths: z.record(
    z.string().startsWith('/'),
    z.record(z.enum(['get', 'put', 'post']), operationSchema.optional()),
  ),
});

let station: Station;
let document: z.infer<typeof documentSchema>;
let text: string;
beforeAll(async () => {
  station = await startStation();
  const answer = await station.console.app.inject({ url: '/api/openapi.json' });
  text = answer.body;
  document = documentSchema.parse(JSON.parse(text));
});
afterAll(() => station.close());

function operations() {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      operation === undefined ? [] : [{ name: `${method.toUpperCase()} ${path}`, path, operation }],
    ),
  );
}

describe('the OpenAPI document', () => {
  it('names every route of routeRules and no other', () => {
    const named = operations().map(({ name }) => name.replace(/\{(\w+)\}/g, ':$1'));
    expect(named.toSorted()).toEqual(Object.keys(routeRules).toSorted());
  });

  it('gives every operation an id of its own', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('describes every parameter of every path', () => {
    for (const { path, operation } of operations()) {
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const described = operation.parameters?.filter((one) => one.in === 'path').map((one) => one.name);
      expect(described ?? []).toEqual(wanted);
    }
  });

  it('describes a body for what takes one', () => {
    const mediaTypes = Object.fromEntries(
      operations().flatMap(({ name, operation }) =>
        operation.requestBody === undefined ? [] : [[name, Object.keys(operation.requestBody.content)]],
      ),
    );
    expect(mediaTypes).toEqual({
      'POST /api/sign-in': ['application/json'],
      'POST /api/boards': ['application/json'],
      'POST /api/devices': ['application/json'],
      'POST /api/devices/{id}/board': ['application/json'],
      'POST /api/sign-in/link': ['application/json'],
      'PUT /api/me/password': ['application/json'],
      'POST /api/people': ['application/json'],
      'POST /api/audio': ['multipart/form-data'],
      'POST /api/broadcasts': ['application/json'],
      'PUT /api/devices/{id}': ['application/json'],
      'POST /api/devices/{id}/listen': ['application/json'],
      'POST /device/join': ['application/json'],
      'PUT /device/recordings/{id}': ['audio/ogg'],
    });
  });

  it('tells of errors in every operation', () => {
    for (const { operation } of operations()) {
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['4XX', '5XX']));
    }
  });

  it('has no reference that leads nowhere', () => {
    expect(text).not.toContain('"$ref"');
    expect(text).not.toContain('PLACEHOLDER');
  });
});
