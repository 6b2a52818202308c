import { joinRequestSchema } from '@loalang/shared';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** One receiver of the sample: where it hangs, and the code that it joins with. */
const sampleDeviceSchema = z.object({
  /** Becomes part of a folder's name. */
  unitId: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  number: z.number().int().min(1).max(9999),
  name: z.string(),
  joinCode: joinRequestSchema.shape.code,
});
export type SampleDevice = z.infer<typeof sampleDeviceSchema>;

const sampleSchema = z.object({ devices: z.array(sampleDeviceSchema).max(1000) });

/** Reads the receivers of a sample file. */
export function readSampleDevices(file: string): SampleDevice[] {
  return sampleSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).devices;
}

/** What a receiver is called by its place: folder, seed and log. */
export function placeOf(device: { unitId: string; number: number }): string {
  return `${device.unitId}-${device.number}`;
}
