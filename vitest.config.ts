import { defineConfig } from 'vitest/config';

const isSoak = process.env['LOALANG_SOAK'] !== undefined;

// Tests of one workspace lie beside its source; what crosses workspaces lies in test/.
export default defineConfig({
  test: {
    include: ['*/{src,server,ui}/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['test/setup-database.ts'],
    // How many times longer than in `npm test` whatever is seeded runs: `npm run soak`.
    provide: { soak: isSoak ? 100 : 1 },
    testTimeout: isSoak ? 3_600_000 : 30_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
