import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

// In a process of its own: this one goes on with other tests.
const PROGRAM = `
  const { takeRealTimePriority } = await import('./real-time.ts');
  const { readFileSync } = await import('node:fs');
  const isGiven = await takeRealTimePriority();
  const fields = readFileSync('/proc/thread-self/stat', 'utf8').split(') ')[1].split(' ');
  console.log(JSON.stringify({ isGiven, priority: Number(fields[37]), policy: Number(fields[38]) }));
`;

it('says truly whether the thread got real-time priority', () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', PROGRAM],
    { cwd: import.meta.dirname, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  const said: unknown = JSON.parse(stdout);
  expect([
    { isGiven: true, priority: 10, policy: 1 },
    { isGiven: false, priority: 0, policy: 0 },
  ]).toContainEqual(said);
});
