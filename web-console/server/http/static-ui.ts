import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import staticFiles from '@fastify/static';
import type { FastifyRequest } from 'fastify';
import { LoaLangError } from '@loalang/shared';
import type { App } from './app.ts';
import { sendError } from './error-answer.ts';

/** Vite puts files whose name holds a hash of their content here: they never change. */
const HASHED = /^\/assets\//;

/**
 * Serves the single-page app: the files that lay in the folder at start, and its page for every other address that a
 * person opens. Nothing else of the disk can be named.
 */
export async function serveUi(app: App, folder: string): Promise<void> {
  const files = await listFiles(folder);
  if (files.size === 0) app.log.warn({ folder }, 'the single-page app is not built; only the API is served');
  else await registerFiles(app, folder);
  app.setNotFoundHandler((request, reply) => {
    const file = fileFor(request, files);
    if (file === null) return sendError(request, reply, new LoaLangError('NOT_FOUND'));
    return reply.sendFile(file);
  });
}

async function registerFiles(app: App, folder: string): Promise<void> {
  await app.register(staticFiles, {
    root: folder,
    serve: false,
    preCompressed: true,
    cacheControl: false,
    setHeaders: (response, path) => {
      const isHashed = HASHED.test(`/${relative(folder, path).split(sep).join('/')}`);
      response.setHeader('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

function fileFor(request: FastifyRequest, files: ReadonlySet<string>): string | null {
  const path = request.url.split('?', 1)[0] ?? '';
  const isOurs = path !== '/api' && !path.startsWith('/api/') && !path.startsWith('/device/');
  if ((request.method !== 'GET' && request.method !== 'HEAD') || !isOurs) return null;
  if (files.has(path)) return path.slice(1);
  const wantsPage = request.headers.accept?.includes('text/html') ?? false;
  return wantsPage && files.has('/index.html') ? 'index.html' : null;
}

async function listFiles(folder: string): Promise<Set<string>> {
  try {
    const entries = await readdir(folder, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => entry.isFile() && !/^\.|\.(br|gz)$/.test(entry.name));
    return new Set(
      files.map((entry) => `/${relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')}`),
    );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Set();
    throw error;
  }
}
