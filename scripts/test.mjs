// `npm test [-- vitest arguments]` and `npm run soak`: the same tests, the second with the long versions of what is seeded.
import { join } from 'node:path';
import { main, root, runNode, setUp } from './setup.mjs';

await main(() => {
  const args = process.argv.slice(2);
  const isSoak = args.includes('--soak');
  setUp({
    programs: [
      'ffmpeg',
      'espeak-ng',
      'chromium',
      'pulseaudio',
      'mosquitto-clients',
      'paho',
      'openssl',
      'haproxy',
      'mosquitto',
      'nats-server',
    ],
    withConsole: true,
    withNodeOpus: process.env.CI !== undefined,
  });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const rest = args.filter((argument) => argument !== '--soak');
  return runNode([vitest, 'run', ...rest], isSoak ? { LOALANG_SOAK: '1' } : {});
});
