// `npm run keys -- retire PURPOSE`: for when a key of the platform was stolen.
import { main, runNode, setUp } from './setup.mjs';

await main(() => {
  setUp();
  return runNode(['--import', 'tsx', 'scripts/keys.ts', ...process.argv.slice(2)]);
});
