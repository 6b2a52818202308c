import { beginLine } from '../time/line.ts';
import { lineFileOf, writeLine } from '../time/line-file.ts';
import { readClocks } from '../time/machine-clocks.ts';

/** What a time service keeps that finds the system's clock so far ahead of media time. */
export async function keepLine(dataFolder: string, pullUs: number): Promise<void> {
  await writeLine(lineFileOf(dataFolder), { ...beginLine(null, readClocks()), pullUs });
}
