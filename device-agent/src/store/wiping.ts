// Forgetting everything, so that a power cut in the middle leaves nothing half: a mark is written first, and the next start
// removes what lies beside it before it reads anything.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeAtomically } from './atomic-file.ts';

const MARK = 'wiping';

/** From here on this folder's receiver is gone, whatever happens. */
export async function markForWiping(folder: string): Promise<void> {
  await writeAtomically(join(folder, MARK), '');
}

/** Removes all of a folder that was marked. Returns whether it was. */
export async function finishWiping(folder: string): Promise<boolean> {
  if (!existsSync(join(folder, MARK))) return false;
  for (const name of await readdir(folder)) {
    if (name !== MARK) await rm(join(folder, name), { recursive: true, force: true });
  }
  await syncFolder(folder);
  await rm(join(folder, MARK));
  await syncFolder(folder);
  return true;
}
