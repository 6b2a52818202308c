/** Files under their SHA-256, on disk before anybody is told of them; and the folder of what is on its way in. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface StoredFile {
  readonly sha256: string;
  readonly bytes: number;
  /** False where the same content was there already. */
  readonly isNew: boolean;
}

export class Store {
  readonly #files: string;
  readonly #incoming: string;

  constructor(folder: string) {
    this.#files = join(folder, 'files');
    this.#incoming = join(folder, 'incoming');
  }

  /**
   * Makes the folders and removes the work of a killed process. A finished file that no row names stays: it is taken up
   * when the same sound comes again, and a start with the wrong database must not cost the library.
   */
  async start(): Promise<void> {
    await rm(this.#incoming, { recursive: true, force: true });
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
    await mkdir(this.#files, { recursive: true, mode: 0o700 });
  }

  path(sha256: string): string {
    return join(this.#files, sha256);
  }

  /** Runs work in a folder of its own, which is gone afterwards. It lies in the same file system as the files. */
  async withWorkspace<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const folder = join(this.#incoming, randomUUID());
    await mkdir(folder, { mode: 0o700 });
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Moves a finished file in and syncs it and the folder, so that a row about it never outlives it. */
  async put(path: string): Promise<StoredFile> {
    const sha256 = await hashFile(path);
    const { size: bytes } = await stat(path);
    const place = this.path(sha256);
    const isNew = (await stat(place).catch(() => null)) === null;
    if (isNew) {
      await syncPath(path);
      await rename(path, place);
      await syncPath(this.#files);
    }
    return { sha256, bytes, isNew };
  }

  async remove(sha256: string): Promise<void> {
    await rm(this.path(sha256), { force: true });
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
