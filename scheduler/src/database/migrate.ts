import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';

const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url));
/** Any fixed number: two platforms that start at the same time on one database migrate one after the other. */
const MIGRATION_LOCK = 4_107_651;

/** Brings a database to the newest schema. */
export async function migrateDatabase(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await migrate(drizzle({ client: sql }), { migrationsFolder: MIGRATIONS });
  } finally {
    // The lock belongs to the session and ends with it.
    await sql.end({ timeout: 2 });
  }
}
