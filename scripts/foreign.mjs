// `npm run foreign -- mosquitto|nats …`: configuration of a broker that is not ours. See docs/scale.md.
import { join } from 'node:path';
import { main, root, runNode, setUp } from './setup.mjs';

await main(() => {
  setUp();
  return runNode(['--import', 'tsx', join(root, 'scripts', 'foreign.ts'), ...process.argv.slice(2)]);
});
