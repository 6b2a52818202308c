import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Choice } from './choose.ts';
import type { Heard } from './hear.ts';

export interface Results {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly heard: readonly Heard[];
  readonly choices: readonly Choice[];
}

/** Writes a results file: what was run, where, and a row for each receiver and each link. */
export function writeResults(path: string, { figures, heard, choices }: Results): void {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const [cpu] = cpus();
  const command = process.argv.slice(2).join(' ');
  const text = [
    '# bench buffer',
    '',
    `- command: \`npm run -s bench -- buffer ${command}\``,
    `- machine: ${cpus().length} x ${cpu?.model ?? 'unknown'}, Node ${process.version}`,
    `- commit: ${commit}, date: ${new Date().toISOString().slice(0, 10)}`,
    '',
    ...table(['field', 'figure'], Object.entries(figures)),
    '',
    '## What was heard, real time, one receiver a row',
    '',
    ...rows(heard.map((each) => ({ ...each }))),
    '',
    '## Latency: chosen on the first half of each link, judged on the second; medians over seeds',
    '',
    ...rows(choices.map((each) => ({ ...each }))),
    '',
  ];
  writeFileSync(path, text.join('\n'));
}

type Cell = number | string | boolean;

function rows(records: readonly Readonly<Record<string, Cell>>[]): string[] {
  const names = Object.keys(records[0] ?? {});
  return table(
    names,
    records.map((record) => Object.values(record)),
  );
}

function table(head: readonly string[], body: readonly (readonly Cell[])[]): string[] {
  const row = (cells: readonly Cell[]): string => `| ${cells.map(show).join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...body.map(row)];
}

function show(cell: Cell): string {
  return typeof cell === 'number' ? String(Math.round(cell * 100) / 100) : String(cell);
}
