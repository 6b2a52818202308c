// The built-in clips (made by scripts/make-clips.ts): the one thing that sounds without a signature, and only while the
// receiver belongs to nobody.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hasCode } from '../store/atomic-file.ts';
import { openAssetFile, type AssetFile } from '../store/asset-file.ts';

const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;
export type Digit = (typeof digits)[number];
/** `code`: "Mã của loa". `admitted`: "Đã nhận loa". `offline`: "Chưa có mạng". */
export const clipNames = ['code', 'admitted', 'offline', ...digits] as const;
export type ClipName = (typeof clipNames)[number];

export interface Clip {
  readonly file: AssetFile;
  readonly durationMs: number;
}
export type Clips = Readonly<Record<ClipName, Clip>>;

const FOLDER = fileURLToPath(new URL('../../clips/', import.meta.url));

/** Reads what there is to say. Null where the files did not come along: then the code is only shown. */
export function readClips(folder = FOLDER): Clips | null {
  try {
    const entries = clipNames.map((name) => [name, readClip(`${folder}/${name}.opus`)]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one entry a name
    return Object.fromEntries(entries) as Clips;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

function readClip(path: string): Clip {
  const file = { path, bytes: statSync(path).size };
  const totalSamples = openAssetFile(file)?.info.totalSamples ?? 0;
  return { file, durationMs: Math.floor(totalSamples / 48) };
}
