/** Opens the platform's database: the embedded one in the data folder, or the one that an address points to. */
import { dirname, join } from 'node:path';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Logger } from 'pino';
import postgres from 'postgres';
import { canEnter, findAccount, FOLDER_OF_ROOT, placeDatabase, type Account } from './account.ts';
import { copyBinaries, findBinaries, linkLibraries, type Binaries } from './binaries.ts';
import { ensureCluster, type ClusterPlace } from './cluster.ts';
import { databaseFailed } from './failure.ts';
import { migrateDatabase } from './migrate.ts';
import { endOrphan } from './orphan.ts';
import { leaveFolder, takeFolder } from './owner.ts';
import * as schema from './schema.ts';
import { startServer, type Server } from './server.ts';

/** What repositories query; a transaction has the same methods. */
export type Db = PostgresJsDatabase<typeof schema>;

export interface Database {
  readonly db: Db;
  readonly url: string;
  /** Ends the connections, and the server if it is ours. May be called twice. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly dataFolder: string;
  /** A PostgreSQL of yours, in place of the embedded one. */
  readonly url?: string | undefined;
  readonly log: Logger;
}

const POOL_SIZE = 8;
/** How long close() lets running queries finish. */
const END_TIMEOUT_S = 2;

/** Starts (where embedded), migrates and connects. Throws DATABASE_FAILED or DATA_LOCKED. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  if (options.url !== undefined) return await connect(options.url, async () => undefined);
  const server = await startEmbedded(options.dataFolder, options.log);
  try {
    return await connect(server.url('postgres'), async () => await server.close());
  } catch (error) {
    await server.close();
    throw databaseFailed(error, options.dataFolder);
  }
}

/** Migrates and connects to a database that runs; `afterEnd` runs once when the connections have ended. */
export async function connect(url: string, afterEnd: () => Promise<void>): Promise<Database> {
  try {
    await migrateDatabase(url);
  } catch (error) {
    throw databaseFailed(error, new URL(url).host);
  }
  return pool(url, afterEnd);
}

/** A pool of connections to a migrated database. */
export function pool(url: string, afterEnd: () => Promise<void>): Database {
  const sql = postgres(url, { max: POOL_SIZE, onnotice: () => undefined });
  let closing: Promise<void> | null = null;
  return {
    db: drizzle({ client: sql, schema }),
    url,
    close: async () => await (closing ??= sql.end({ timeout: END_TIMEOUT_S }).then(afterEnd)),
  };
}

/** Starts the embedded server of a data folder, alone on it. Whatever a killed platform left behind is ended first. */
export async function startEmbedded(
  dataFolder: string,
  log: Logger,
  settings: Readonly<Record<string, string>> = {},
): Promise<Server> {
  try {
    const account = await findAccount(dataFolder);
    const folder = await placeDatabase(dataFolder, account);
    await takeFolder(folder, dataFolder);
    return await startOwned({ folder, account, log, settings }).catch(async (error: unknown) => {
      await leaveFolder(folder);
      throw error;
    });
  } catch (error) {
    throw databaseFailed(error, dataFolder);
  }
}

interface OwnedFolder {
  readonly folder: string;
  readonly account: Account;
  readonly log: Logger;
  readonly settings: Readonly<Record<string, string>>;
}

async function startOwned({ folder, account, log, settings }: OwnedFolder): Promise<Server> {
  const binaries = await reachableBinaries(account);
  const place: ClusterPlace = { folder, account, binaries, libraries: join(folder, 'lib') };
  await linkLibraries(binaries, place.libraries);
  const password = await ensureCluster(place);
  if (await endOrphan(join(folder, 'cluster'))) log.warn({ folder }, 'ended the server of a killed platform');
  const server = await startServer({ ...place, password, settings, log });
  return {
    url: (database) => server.url(database),
    close: async () => {
      await server.close();
      await leaveFolder(folder);
    },
  };
}

async function reachableBinaries(account: Account): Promise<Binaries> {
  const binaries = findBinaries();
  if (await canEnter(account, dirname(binaries.postgres))) return binaries;
  return await copyBinaries(binaries, FOLDER_OF_ROOT);
}
