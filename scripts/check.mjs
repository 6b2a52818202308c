// `npm run check`: types, lint, format and the arrows between the workspaces. Runs all, then tells what failed.
import { join } from 'node:path';
import { main, root, runNode, setUp } from './setup.mjs';

const bin = (...path) => join(root, 'node_modules', ...path);
const checks = {
  types: [bin('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json'],
  'types of the console': [
    bin('svelte-check', 'bin', 'svelte-check'),
    '--tsconfig',
    'web-console/ui/tsconfig.json',
    '--fail-on-warnings',
    '--output',
    'human',
  ],
  lint: [bin('oxlint', 'bin', 'oxlint'), '--type-aware', '--deny-warnings'],
  format: [bin('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.'],
  arrows: [
    bin('dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
    'shared',
    'broker',
    'scheduler',
    'web-console',
    'device-agent',
    'firmware-sim',
    'test',
    'bench',
    'scripts',
  ],
};

await main(() => {
  setUp();
  const failed = Object.entries(checks).filter(([name, args]) => {
    console.log(`— ${name}`);
    return runNode(args) !== 0;
  });
  const names = failed.map(([name]) => name).join(', ');
  console.log(failed.length === 0 ? 'All checks passed.' : `Failed: ${names}`);
  return failed.length === 0 ? 0 : 1;
});
