// The twin's receivers don't know each other, so seeds are handed out to a process for each core.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { PairResult, Size } from './pair-case.ts';

export interface Job {
  readonly caseName: string;
  readonly seed: number;
  readonly size: Size;
  readonly traces: string | null;
}

/** Does all jobs; answers them in their order. */
export async function doAll(jobs: readonly Job[]): Promise<PairResult[]> {
  const results: PairResult[] = [];
  const queue = [...jobs.entries()];
  const workers = Array.from({ length: Math.min(jobs.length, availableParallelism()) }, async () => {
    const child = fork(new URL('./worker.ts', import.meta.url), {
      execArgv: process.execArgv,
      serialization: 'advanced',
    });
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        results[next[0]] = await ask(child, next[1]);
      }
    } finally {
      child.disconnect();
    }
  });
  await Promise.all(workers);
  return results;
}

async function ask(child: ChildProcess, job: Job): Promise<PairResult> {
  const ended = new AbortController();
  const { signal } = ended;
  child.send(job);
  try {
    const answers: readonly unknown[] = await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }),
    ]);
    const [answer] = answers;
    if (!isResult(answer))
      throw new Error(`case ${job.caseName}, seed ${job.seed}: a worker ended with ${String(answer)}`);
    return answer;
  } finally {
    ended.abort();
  }
}

function isResult(answer: unknown): answer is PairResult {
  return typeof answer === 'object' && answer !== null && 'hardResyncs' in answer;
}
