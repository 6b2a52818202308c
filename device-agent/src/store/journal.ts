// The append-only file: length (u32), CRC-32 (u32), payload, big endian. What append() has promised survives kill -9
// and a power cut: fdatasync after each group of records, the folder synced after create and rename. A torn tail is
// cut at start. It knows nothing of what the records mean.
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, hasCode } from './atomic-file.ts';
import { crc32 } from './crc32.ts';

const HEADER_BYTES = 8;
/** The longest record: a proof is 1 KB. A longer length is a torn one. */
export const MAX_RECORD_BYTES = 65_536;
/** Waiting appends. Full: the append fails, and whoever asked keeps what it has. */
const MAX_WAITING = 1_024;

interface Waiting {
  readonly record: Uint8Array;
  readonly onDurable: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Reads all whole records from the start, and how many bytes of the file they are. */
export function readRecords(bytes: Uint8Array): { records: Uint8Array[]; goodBytes: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  let offset = 0;
  while (offset + HEADER_BYTES <= bytes.byteLength) {
    const length = view.getUint32(offset);
    const end = offset + HEADER_BYTES + length;
    // A length of 0 would let a tail of zeros (an ext4 file after a power cut) pass for records.
    if (length === 0 || length > MAX_RECORD_BYTES || end > bytes.byteLength) break;
    const payload = bytes.subarray(offset + HEADER_BYTES, end);
    if (crc32(payload) !== view.getUint32(offset + 4)) break;
    records.push(payload);
    offset = end;
  }
  return { records, goodBytes: offset };
}

function layOut(payload: Uint8Array): Uint8Array {
  if (payload.byteLength < 1 || payload.byteLength > MAX_RECORD_BYTES) {
    throw new RangeError(`a journal record has 1 to ${MAX_RECORD_BYTES} bytes, not ${payload.byteLength}`);
  }
  const bytes = new Uint8Array(HEADER_BYTES + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.byteLength);
  view.setUint32(4, crc32(payload));
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** One journal file, open for appending. */
export class Journal {
  readonly #path: string;
  #file: FileHandle;
  #bytes: number;
  #waiting: Waiting[] = [];
  #work: Promise<void> = Promise.resolve();
  #isWriting = false;
  #isClosed = false;

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.#path = path;
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Opens or creates the file, gives its records, and cuts what a kill or a power cut left torn. */
  static async open(path: string): Promise<{ journal: Journal; records: Uint8Array[]; cutBytes: number }> {
    await rm(`${path}.new`, { force: true });
    const content = await readOrCreate(path);
    const { records, goodBytes } = readRecords(content);
    const file = await open(path, 'r+');
    const cutBytes = content.byteLength - goodBytes;
    if (cutBytes > 0) {
      await file.truncate(goodBytes);
      await file.datasync();
    }
    return { journal: new Journal(path, file, goodBytes), records, cutBytes };
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Resolves once the record is on the disk. Appends that wait together share one fdatasync. `onDurable` is called in
   * the order of the records, before anything else is done with the file: a state that grows there is what a
   * compaction right after must write.
   */
  async append(payload: Uint8Array, onDurable: () => void = () => undefined): Promise<void> {
    const record = layOut(payload);
    if (this.#isClosed) throw new Error('the journal is closed');
    if (this.#waiting.length >= MAX_WAITING) throw new Error(`${MAX_WAITING} journal records wait already`);
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ record, onDurable, resolve, reject });
    });
    if (!this.#isWriting) {
      this.#isWriting = true;
      this.#inTurn(() => this.#writeWaiting());
    }
    return done;
  }

  /** Replaces the file by these records. `records` is asked when no append is under way, so it must know them all. */
  async compact(records: () => readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#inTurn(() => this.#rewrite(records()).then(resolve, reject));
    });
  }

  /** Writes what waits, then closes. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#work;
    await this.#file.close();
  }

  // The steps never reject: each hands its failure to whoever asked.
  #inTurn(step: () => Promise<void>): void {
    this.#work = this.#work.then(step);
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0);
      try {
        await this.#write(Buffer.concat(group.map(({ record }) => record)));
        for (const { onDurable, resolve } of group) {
          onDurable();
          resolve();
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isWriting = false;
  }

  // A write that failed half-way (a full disk) would bury all that follows behind a torn record: cut it off again.
  async #write(bytes: Uint8Array): Promise<void> {
    try {
      await writeFully(this.#file, bytes, this.#bytes);
      await this.#file.datasync();
      this.#bytes += bytes.byteLength;
    } catch (error) {
      await this.#file.truncate(this.#bytes);
      throw error;
    }
  }

  async #rewrite(records: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(records.map(layOut));
    const fresh = `${this.#path}.new`;
    const file = await open(fresh, 'w+', 0o600);
    try {
      await writeFully(file, bytes, 0);
      await file.sync();
      await rename(fresh, this.#path);
    } catch (error) {
      await file.close();
      // On a full disk what was written of it would take the room of the records to come.
      await rm(fresh, { force: true });
      throw error;
    }
    // From the rename on the old file has no name: what is appended to it is lost, whatever comes of the sync.
    const old = this.#file;
    this.#file = file;
    this.#bytes = bytes.byteLength;
    await old.close();
    await syncFolder(dirname(this.#path));
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const part = await file.write(bytes, written, bytes.byteLength - written, position + written);
    written += part.bytesWritten;
  }
}

async function readOrCreate(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  const file = await open(path, 'w', 0o600);
  await file.sync();
  await file.close();
  await syncFolder(dirname(path));
  return new Uint8Array(0);
}
