import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { fastify } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from './app.ts';
import { serveUi } from './static-ui.ts';

let folder: string;
let app: App;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loalang-ui-'));
  await mkdir(join(folder, 'dist/assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await writeFile(join(folder, 'dist/index.html'), '<!doctype html><title>Loa Làng</title>');
  await writeFile(join(folder, 'dist/.built'), 'stamp');
  await writeFile(join(folder, 'dist/assets/index-abc123.js'), 'export {};');
  await writeFile(join(folder, 'dist/assets/index-abc123.js.br'), brotliCompressSync('export {};'));
  app = fastify().withTypeProvider<ZodTypeProvider>();
  await serveUi(app, join(folder, 'dist'));
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

const page = { accept: 'text/html,application/xhtml+xml' };

describe('the single-page app', () => {
  it.each(['/', '/lich', '/loa/4?x=1'])('answers %s with its page, never kept', async (url) => {
    const answer = await app.inject({ url, headers: page });
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-cache']);
    expect(answer.body).toContain('Loa Làng');
  });

  it('keeps hashed files for ever, and sends them compressed to who can read that', async () => {
    const url = '/assets/index-abc123.js';
    const answer = await app.inject({ url, headers: { 'accept-encoding': 'br, gzip' } });
    expect([answer.statusCode, answer.headers['content-encoding']]).toEqual([200, 'br']);
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(answer.headers['content-type']).toMatch(/^(text|application)\/javascript/);
    expect((await app.inject({ url })).body).toBe('export {};');
  });

  it.each([
    ['an unknown address of the API', 'GET', '/api/nope', page],
    ['an unknown address of receivers', 'GET', '/device/nope', page],
    ['a file that is not there', 'GET', '/assets/old.js', {}],
    ['another method', 'POST', '/', page],
    ['a file outside', 'GET', '/../secret.txt', {}],
    ['a file outside, encoded', 'GET', '/..%2fsecret.txt', {}],
    ['a hidden file', 'GET', '/.built', {}],
    ['the compressed twin', 'GET', '/assets/index-abc123.js.br', {}],
  ] as const)('answers %s with NOT_FOUND', async (_what, method, url, headers) => {
    const answer = await app.inject({ method, url, headers });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([
      404,
      'application/json; charset=utf-8',
    ]);
    expect(answer.body).toContain('NOT_FOUND');
  });
});
