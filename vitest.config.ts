import { defineConfig } from 'vitest/config';

// Tests of one workspace lie beside its source; what crosses workspaces lies in test/.
export default defineConfig({
  test: {
    include: ['*/{src,server,ui}/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['test/setup-database.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
