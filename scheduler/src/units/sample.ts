import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LoaLangError, unitKindSchema } from '@loalang/shared';
import { z } from 'zod';
import { schema, type Db } from '../database/index.ts';

const { devices, units } = schema;

export const sampleSchema = z.object({
  units: z.array(
    z.object({
      id: z.string().min(1),
      parentId: z.string().nullable(),
      kind: unitKindSchema,
      name: z.string().min(1),
    }),
  ),
  devices: z.array(
    z.object({
      unitId: z.string(),
      number: z.number().int().min(1),
      name: z.string().min(1),
      joinCode: z.string().min(1),
    }),
  ),
});
export type Sample = z.infer<typeof sampleSchema>;

/** Reads a file of sample units and receivers. Throws CONFIGURATION_INVALID where it can't be read. */
export async function readSample(path: string): Promise<Sample> {
  try {
    return sampleSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const detail = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new LoaLangError('CONFIGURATION_INVALID', { variable: 'LOALANG_SAMPLE', detail }, { cause });
  }
}

/** Adds the units and receivers that are not there yet. What is there keeps its name, key and place. */
export async function seedSample(db: Db, sample: Sample): Promise<{ units: number; devices: number }> {
  const unitRows = sample.units.map((unit, position) => ({ ...unit, position }));
  // One that was taken out of service must not come back by itself.
  const known = await db.select({ unitId: devices.unitId, number: devices.number }).from(devices);
  const places = new Set(known.map(({ unitId, number }) => `${unitId} ${number}`));
  const deviceRows = sample.devices
    .filter(({ unitId, number }) => !places.has(`${unitId} ${number}`))
    .map((device) => ({ ...device, id: newDeviceId() }));
  return await db.transaction(async (tx) => ({
    units: await countAdded(
      unitRows,
      async (rows) => await tx.insert(units).values(rows).onConflictDoNothing(),
    ),
    devices: await countAdded(
      deviceRows,
      async (rows) => await tx.insert(devices).values(rows).onConflictDoNothing(),
    ),
  }));
}

async function countAdded<T>(rows: T[], insert: (rows: T[]) => Promise<{ count: number }>): Promise<number> {
  return rows.length === 0 ? 0 : (await insert(rows)).count;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/** `d-` and 50 random bits: never told from, or mistaken for, the number on the pole. */
export function newDeviceId(): string {
  return `d-${Array.from(randomBytes(10), (byte) => LETTERS[byte & 31]).join('')}`;
}
