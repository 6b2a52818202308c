import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { fromUnixMs, LoaLangError } from '@loalang/shared';
import { retireKeys } from '@loalang/scheduler';
import { keyPurposes } from '@loalang/shared/signing';
import { z } from 'zod';

const USAGE = `npm run keys -- retire ${keyPurposes.join('|')}|all [--data FOLDER]`;

const wordsSchema = z.tuple([z.literal('retire'), z.enum([...keyPurposes, 'all'])]);

/** Retires platform keys that were stolen: `npm run keys -- retire PURPOSE`. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { data: { type: 'string', default: process.env['LOALANG_DATA'] ?? 'data' } },
  });
  const words = wordsSchema.safeParse(positionals);
  if (!words.success) throw new Error(USAGE);
  const [, purpose] = words.data;
  const purposes = purpose === 'all' ? keyPurposes : [purpose];
  await retireKeys(join(values.data, 'keys'), purposes, fromUnixMs(Date.now()));
  console.log(
    `Retired: ${purposes.join(', ')}. A platform that runs takes the new keys over within a minute.`,
  );
  console.log('Now take keys/root.pem back to where it belongs.');
}

main().catch((error: unknown) => {
  console.error(error instanceof LoaLangError || error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
