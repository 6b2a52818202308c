import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * The simulated district: Yên Thế town and nine communes of Lục Yên, two receivers in each. SAMPLE DATA: the nine
 * communes that were approved are not known by name, and the places of the loudspeakers are made up.
 */
const communes = [
  'An Lạc',
  'Động Quan',
  'Khánh Hòa',
  'Lâm Thượng',
  'Liễu Đô',
  'Mai Sơn',
  'Minh Xuân',
  'Mường Lai',
  'Tô Mậu',
];
const DISTRICT = 'luc-yen';

const sampleSchema = z.object({
  units: z.array(
    z.object({ id: z.string(), parentId: z.string().nullable(), kind: z.string(), name: z.string() }),
  ),
  devices: z.array(
    z.object({ unitId: z.string(), number: z.number(), name: z.string(), joinCode: z.string() }),
  ),
});
export type Sample = z.infer<typeof sampleSchema>;

/** Reads the sample district of a data folder, or makes it with fresh join codes and writes it there. */
export function loadSample(file: string): Sample {
  if (existsSync(file)) return sampleSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const sample = makeSample();
  writeFileSync(`${file}.new`, JSON.stringify(sample, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return sample;
}

function makeSample(): Sample {
  const places = [
    { id: 'yen-the', kind: 'town', name: 'Thị trấn Yên Thế', seat: 'UBND thị trấn' },
    ...communes.map((name) => ({ id: slug(name), kind: 'commune', name: `Xã ${name}`, seat: 'UBND xã' })),
  ];
  return {
    units: [
      { id: DISTRICT, parentId: null, kind: 'district', name: 'Huyện Lục Yên' },
      ...places.map(({ id, kind, name }) => ({ id, parentId: DISTRICT, kind, name })),
    ],
    devices: places.flatMap(({ id, seat }) => [
      { unitId: id, number: 1, name: seat, joinCode: makeJoinCode() },
      { unitId: id, number: 2, name: 'Nhà văn hóa', joinCode: makeJoinCode() },
    ]),
  };
}

function slug(name: string): string {
  const plain = name
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .replace(/đ/g, 'd')
    .replace(/Đ/g, 'D');
  return plain.toLowerCase().replace(/\s+/g, '-');
}

/** Without I, O, 0 and 1, which are read out and typed wrongly. */
const CODE_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

function makeJoinCode(): string {
  return Array.from({ length: 8 }, () => CODE_LETTERS[randomInt(CODE_LETTERS.length)] ?? '').join('');
}
