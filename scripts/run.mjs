// Runs a TypeScript script of the project with everything that tests need: `node scripts/run.mjs scripts/NAME.ts`.
import { main, runNode, setUp } from './setup.mjs';

await main(() => {
  setUp({ programs: ['ffmpeg', 'espeak-ng', 'chromium'], withConsole: true });
  return runNode(['--import', 'tsx', ...process.argv.slice(2)]);
});
