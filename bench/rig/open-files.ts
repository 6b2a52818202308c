import { readFileSync } from 'node:fs';

/** Throws one clear sentence where this process may not have so many sockets. (Node raises its own soft limit to the hard one.) */
export function needOpenFiles(count: number): void {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const allowed = /^Max open files\s+(\S+)/m.exec(limits)?.[1] ?? '0';
  if (allowed === 'unlimited' || Number(allowed) >= count) return;
  throw new Error(
    `${count} open files are needed and ${allowed} allowed: raise the limit with ulimit -n ${count}`,
  );
}
