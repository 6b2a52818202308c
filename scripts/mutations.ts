import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Mutation } from '../test/mutations/mutation.ts';
import { mutations } from '../test/mutations/table.ts';

// Each mutation is made in a copy of the project, never in the project itself. Two copies, so that two run at once: more
// would starve the tests that wait for something.
const COPIES = 2;
const LEFT_OUT = new Set(['node_modules', '.git', 'dist', 'data', '.cache', 'coverage']);
/** A mutant that hangs is noticed, too. */
const MOST_MS = 180_000;

const root = fileURLToPath(new URL('..', import.meta.url));

/** How a run of one test file ended; `broken`: no test of it failed, the file itself could not be run. */
type Outcome = 'passed' | 'failed' | 'hung' | 'broken';

const reportSchema = z.object({ numFailedTests: z.number() });

const word = process.argv[2] ?? '';
const chosen = mutations.filter(({ file }) => file.includes(word));
if (chosen.length === 0) {
  console.error(`No key line is in a file whose path has "${word}" in it.`);
  process.exit(1);
}
const scratch = mkdtempSync(join(tmpdir(), 'loalang-mutations-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const copies = Array.from({ length: COPIES }, (_, index) => copyProject(join(scratch, String(index))));
const unsound = (await inTurn(testsOf(chosen), judgeUntouched)).filter(isComplaint);
const complaints = unsound.length > 0 ? unsound : (await inTurn(chosen, judge)).filter(isComplaint);
for (const complaint of complaints) console.log(`\n${complaint}`);
console.log(`\n${chosen.length} mutations, ${complaints.length} complaints`);
process.exitCode = complaints.length === 0 ? 0 : 1;

function testsOf(some: readonly Mutation[]): string[] {
  return [...new Set(some.map(({ test }) => test))];
}

function isComplaint(verdict: string | null): verdict is string {
  return verdict !== null;
}

/** That a test fails tells something only where it passes as things are. */
async function judgeUntouched(test: string, copy: string): Promise<string | null> {
  const outcome = await run(copy, test);
  return outcome === 'passed' ? null : `${test} does not pass as it is (${outcome}): nothing was tried`;
}

/** Null where the test noticed; else what is wrong, for a person. */
async function judge(mutation: Mutation, copy: string): Promise<string | null> {
  const { file, from, to, test, why } = mutation;
  const text = readFileSync(join(copy, file), 'utf8');
  if (text.split(from).length !== 2) return `OUT OF DATE  ${file} has this not exactly once: ${from}`;
  writeFileSync(
    join(copy, file),
    text.replace(from, () => to),
  );
  const outcome = await run(copy, test);
  writeFileSync(join(copy, file), text);
  console.log(
    `${(outcome === 'failed' ? 'noticed' : outcome).padEnd(7)} ${basename(file)}: ${from.trim().split('\n')[0]}`,
  );
  if (outcome === 'failed' || outcome === 'hung') return null;
  const what = outcome === 'passed' ? 'SURVIVED' : 'DOES NOT RUN';
  return `${what}  ${file}\n  - ${from}\n  + ${to}\n  ${why}; ${test} did not notice`;
}

/** Takes one thing after the other, on each copy one at a time. */
async function inTurn<T, R>(
  things: readonly T[],
  work: (thing: T, copy: string) => Promise<R>,
): Promise<R[]> {
  const queue = [...things];
  const results: R[] = [];
  await Promise.all(
    copies.map(async (copy) => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        results.push(await work(next, copy));
    }),
  );
  return results;
}

function run(copy: string, test: string): Promise<Outcome> {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join('test', 'mutations', 'vitest.config.ts');
  const options = [
    '--config',
    config,
    '--root',
    copy,
    '--bail=1',
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [vitest, 'run', ...options, test], {
      cwd: copy,
      stdio: 'ignore',
      detached: true,
    });
    let isHung = false;
    const timer = setTimeout(() => {
      isHung = true;
      // The whole group: vitest runs tests in processes of its own.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, MOST_MS);
    child.once('close', (code) => {
      clearTimeout(timer);
      if (isHung) resolve('hung');
      else if (code === 0) resolve('passed');
      else resolve(hasFailedTests(report) ? 'failed' : 'broken');
    });
  });
}

function hasFailedTests(report: string): boolean {
  try {
    return reportSchema.parse(JSON.parse(readFileSync(report, 'utf8'))).numFailedTests > 0;
  } catch {
    return false;
  }
}

/** Sources are copied; packages are linked, except our own, which must be the copies. */
function copyProject(to: string): string {
  cpSync(root, to, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
  const modules = join(to, 'node_modules');
  mkdirSync(join(modules, '@loalang'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name.startsWith('.') || name === '@loalang') continue;
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  for (const name of readdirSync(join(root, 'node_modules', '@loalang'))) {
    symlinkSync(join(to, name), join(modules, '@loalang', name));
  }
  return to;
}
