// `npm run -s bench -- NAME [--json]`: one scenario of bench/; with --json the last line is one JSON object.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, runNode, SetupError, setUp } from './setup.mjs';

/** What some benchmarks need beyond ffmpeg. */
const twoCards = ['pulseaudio', 'snapserver', 'snapclient'];
const programs = {
  sync: twoCards,
  agent: twoCards,
  fanout: ['mosquitto', 'haproxy', 'openssl'],
  storm: ['mosquitto'],
};

await main(() => {
  const [name, ...rest] = process.argv.slice(2);
  const names = readdirSync(join(root, 'bench'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3));
  if (name === undefined || !names.includes(name)) {
    throw new SetupError(`Name a benchmark: ${names.join(', ')}`);
  }
  setUp({ programs: ['ffmpeg', ...(programs[name] ?? [])], withNodeOpus: true });
  return runNode(['--import', 'tsx', join(root, 'bench', `${name}.ts`), ...rest]);
});
