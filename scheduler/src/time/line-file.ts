import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../keys/atomic-file.ts';
import { lineSchema, type Line } from './line.ts';

/** The one place where the line lies, for all processes of the platform. */
export function lineFileOf(dataFolder: string): string {
  return join(dataFolder, 'media-time.json');
}

/** The kept line, or null where there is none, or something that is none. Throws where it can't be read. */
export function readLine(path: string): Line | null {
  try {
    return lineSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data ?? null;
  } catch (error) {
    const isTorn = error instanceof SyntaxError;
    if (isTorn || (error instanceof Error && 'code' in error && error.code === 'ENOENT')) return null;
    throw error;
  }
}

/** Replaces the line as a whole: a reader sees the old one or the new one, and so does the next start after a power cut. */
export async function writeLine(path: string, line: Line): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(line)}\n`);
}
