// `npm run fuzz [-- --seconds 60] [--seed 1] [--replay FILE]`: spoilt packets against a live broker.
import { join } from 'node:path';
import { main, root, runNode, setUp } from './setup.mjs';

await main(() => {
  setUp();
  return runNode(['--import', 'tsx', join(root, 'test', 'fuzz', 'main.ts'), ...process.argv.slice(2)]);
});
