import { defineConfig } from 'drizzle-kit';

// `npx drizzle-kit generate --name what-changed`, run in this folder after a change of the schema, writes the migration.
export default defineConfig({
  dialect: 'postgresql',
  schema: './src/database/schema.ts',
  out: './src/database/migrations',
});
