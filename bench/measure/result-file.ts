import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plotSvg, type Plot } from './plot.ts';

const FOLDER = fileURLToPath(new URL('../results', import.meta.url));

export interface ResultFile {
  readonly name: string;
  /** As it was typed. */
  readonly command: string;
  /** How it was measured, in sentences. */
  readonly method: string;
  readonly table: readonly (readonly string[])[];
  readonly plots: Readonly<Record<string, Plot>>;
}

/** Writes `bench/results/NAME.md` and its plots. */
export function writeResult({ name, command, method, table, plots }: ResultFile): void {
  const [head = [], ...rows] = table;
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const pictures = Object.keys(plots).map((file) => `![${plots[file]?.title}](${file}.svg)`);
  const parts = [
    `# ${name}, ${new Date().toISOString().slice(0, 10)}`,
    `\`${command}\`, commit ${commit()}, ${machine()}.\n${method}`,
    [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n'),
    ...pictures,
  ];
  writeFileSync(join(FOLDER, `${name}.md`), `${parts.join('\n\n')}\n`);
  for (const [file, plot] of Object.entries(plots)) writeFileSync(join(FOLDER, `${file}.svg`), plotSvg(plot));
}

/** The commit that runs, with `-dirty` where files differ from it. */
export function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', cwd: FOLDER }).trim();
  } catch {
    return 'unknown';
  }
}

function machine(): string {
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  return `${cpus().length} cores of ${cpus()[0]?.model.trim() ?? 'unknown'}, ${system}, Node ${process.version}`;
}
