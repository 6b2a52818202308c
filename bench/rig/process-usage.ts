import { readFileSync } from 'node:fs';

// USER_HZ: what /proc counts in, 100 on every Linux that we run on.
const TICKS_A_SECOND = 100;

/** What a process with all its threads takes, from /proc. */
export class ProcessUsage {
  readonly #pid: number;
  readonly #fromMs = performance.now();
  readonly #fromTicks: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.#fromTicks = ticksOf(pid);
  }

  /** Percent of one core since this was made. */
  get cpuPercent(): number {
    return (this.cpuMs / (performance.now() - this.#fromMs)) * 100;
  }

  /** Of all cores since this was made. */
  get cpuMs(): number {
    return ((ticksOf(this.#pid) - this.#fromTicks) / TICKS_A_SECOND) * 1000;
  }

  get rssMB(): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    return (Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6;
  }
}

/** User and system time that processes with all their threads have taken so far. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((ticks, pid) => ticks + ticksOf(pid), 0) / TICKS_A_SECOND;
}

/** User and system time. The name of the program before them may hold anything but a line's end. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
