/**
 * Databases for tests: real, empty, one a call. One server without fsync serves a whole test run; it is started when the
 * first test asks for it, and each database is cloned from a migrated template (about 50 ms).
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import postgres from 'postgres';
import { migrateDatabase } from './migrate.ts';
import { pool, startEmbedded, type Database } from './open.ts';

const TEMPLATE = 'template_loalang';
/** The address at which the test run hands out the server, set by its global set-up. */
const VARIABLE = 'LOALANG_TEST_DATABASE';
const settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  shared_buffers: '32MB',
  max_connections: '200',
};

/** An empty database with the newest schema. `close()` drops it; the server goes with the test run. */
export async function createTestDatabase(): Promise<Database> {
  const serverUrl = await sharedServer();
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(serverUrl, `create database ${name} template ${TEMPLATE} strategy file_copy`);
  const url = new URL(serverUrl);
  url.pathname = name;
  return pool(url.href, async () => await administer(serverUrl, `drop database ${name} with (force)`));
}

/** Hands out one server to all processes of a test run. Returns what ends it; to be called by the global set-up. */
export async function shareTestServer(): Promise<() => Promise<void>> {
  let server: Promise<TestServer> | null = null;
  const desk = createServer((_request, response) => {
    (server ??= startTestServer()).then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  desk.listen(0, '127.0.0.1');
  await once(desk, 'listening');
  const address = desk.address();
  process.env[VARIABLE] = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/`;
  return async () => {
    desk.close();
    desk.closeAllConnections();
    await (await server?.catch(() => null))?.close();
  };
}

interface TestServer {
  readonly url: string;
  close(): Promise<void>;
}

let ownServer: Promise<TestServer> | null = null;

async function sharedServer(): Promise<string> {
  const desk = process.env[VARIABLE];
  if (desk === undefined) return (await (ownServer ??= startTestServer())).url;
  const answer = await fetch(desk);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

/** The server ends with this process at the latest, and its folder goes too. */
async function startTestServer(): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'loalang-test-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const server = await startEmbedded(folder, pino({ level: 'silent' }), settings);
  const url = server.url('postgres');
  await administer(url, `create database ${TEMPLATE}`);
  const template = new URL(url);
  template.pathname = TEMPLATE;
  await migrateDatabase(template.href);
  const close = async (): Promise<void> => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { url, close };
}

async function administer(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end({ timeout: 2 });
  }
}
