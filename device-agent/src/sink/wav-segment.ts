import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { SAMPLE_RATE } from './pcm.ts';

const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;

/** A mono 16-bit WAV file that can be read at any time while it grows. */
export class WavSegment {
  readonly #file: FileHandle;
  #dataBytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<WavSegment> {
    const segment = new WavSegment(await open(path, 'w'));
    try {
      await segment.#writeHeader();
      return segment;
    } catch (error) {
      await segment.close();
      throw error;
    }
  }

  /** Adds samples, then says so in the header: a reader in between finds them one write later. */
  async append(samples: Int16Array): Promise<void> {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    await this.#writeAt(HEADER_BYTES + this.#dataBytes, bytes);
    this.#dataBytes += bytes.byteLength;
    await this.#writeHeader();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #writeHeader(): Promise<void> {
    await this.#writeAt(0, wavHeader(this.#dataBytes));
  }

  async #writeAt(offset: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.byteLength;) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.byteLength - done, offset + done);
      done += bytesWritten;
    }
  }
}

/** The 44 bytes before the samples of a mono 48 kHz 16-bit WAV file. */
export function wavHeader(dataBytes: number): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(SAMPLE_RATE * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
