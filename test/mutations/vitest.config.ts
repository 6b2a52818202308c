import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

// For `npm run mutations`: tests that need no database, and a mutant that goes in circles must not go on for ever.
export default defineConfig({
  ...base,
  test: { ...base.test, globalSetup: [], testTimeout: 60_000, maxWorkers: 1 },
});
