// `npm run mutations [-- WORD]`: breaks each key line of the algorithms in a copy, and expects a test to notice. With a word,
// only those in whose file it occurs.
import { main, runNode, setUp } from './setup.mjs';

await main(() => {
  setUp({ programs: ['ffmpeg', 'espeak-ng'] });
  return runNode(['--import', 'tsx', 'scripts/mutations.ts', ...process.argv.slice(2)]);
});
