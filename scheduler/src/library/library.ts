import { desc, eq } from 'drizzle-orm';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { audioIdSchema, LoaLangError, mediaTime, type Audio, type MediaTime } from '@loalang/shared';
import { schema, type Db } from '../database/index.ts';
import { convert } from './convert.ts';
import { limit } from './limit.ts';
import { defaultLimits, type IngestLimits } from './limits.ts';
import { receive } from './receive.ts';
import { Store, type StoredFile } from './store.ts';
import { titleOf } from './title.ts';
import { defaultTools, type Tools } from './tools.ts';
import { Turns } from './turns.ts';

/** One sound of the library, with the file that receivers fetch. `createdBy` is the person's name. */
export interface AudioRow extends Audio {
  readonly sha256: string;
  readonly bytes: number;
}

export interface LibraryOptions {
  readonly db: Db;
  readonly clock: { now(): MediaTime };
  /** The folder for files and for work; in the data folder. */
  readonly folder: string;
  readonly tools?: Tools;
  readonly limits?: Partial<IngestLimits>;
}

export interface UploadMeta {
  readonly filename: string;
  readonly personId: string;
  /** Aborted when the sender is gone or no longer signed in. */
  readonly signal?: AbortSignal | undefined;
  /** A last look, when all is ready to be kept; what it throws ends the upload and nothing is left. */
  readonly beforeCommit?: (() => Promise<void>) | undefined;
}

const MAX_LISTED = 500;

/** The audio library: takes files in, whole and checked or not at all. */
export class Library {
  readonly #db: Db;
  readonly #clock: { now(): MediaTime };
  readonly #store: Store;
  readonly #tools: Tools;
  readonly #limits: IngestLimits;
  readonly #turns: Turns;
  readonly #ending = new AbortController();
  readonly #uploads = new Set<Promise<AudioRow>>();
  #storing: Promise<unknown> = Promise.resolve();

  constructor(options: LibraryOptions) {
    this.#db = options.db;
    this.#clock = options.clock;
    this.#store = new Store(options.folder);
    this.#tools = options.tools ?? defaultTools;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#turns = new Turns(this.#limits.maxRunning);
  }

  /** Makes the folders and clears what a killed process left there. */
  async start(): Promise<void> {
    await this.#store.start();
  }

  /** Breaks off what is being taken in and waits until it is cleaned up. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled(this.#uploads);
  }

  /**
   * Takes a file in: received, checked, levelled, encoded, on disk, then in the database. On any failure nothing of it is
   * left, and the stream is destroyed. Throws AUDIO_*, FFMPEG_MISSING or DISK_FULL.
   */
  async ingest(stream: Readable, meta: UploadMeta): Promise<AudioRow> {
    if (this.#uploads.size >= this.#limits.maxUploads || this.#ending.signal.aborted) {
      stream.destroy();
      throw new LoaLangError('AUDIO_BUSY');
    }
    const upload = this.#takeIn(stream, meta);
    this.#uploads.add(upload);
    try {
      return await upload;
    } finally {
      this.#uploads.delete(upload);
    }
  }

  /** The newest sounds first. */
  async list(): Promise<AudioRow[]> {
    const rows = await this.#query().orderBy(desc(schema.audio.createdAt)).limit(MAX_LISTED);
    return rows.map(asAudioRow);
  }

  /** One sound. Throws NOT_FOUND. */
  async get(id: string): Promise<AudioRow> {
    const isId = audioIdSchema.safeParse(id).success;
    const rows = isId ? await this.#query().where(eq(schema.audio.id, id)) : [];
    if (rows[0] === undefined) throw new LoaLangError('NOT_FOUND');
    return asAudioRow(rows[0]);
  }

  /** Where the file of that content lies: Ogg Opus, 48 kHz mono. */
  path(sha256: string): string {
    return this.#store.path(sha256);
  }

  async #takeIn(stream: Readable, meta: UploadMeta): Promise<AudioRow> {
    const signals = [this.#ending.signal, ...(meta.signal ? [meta.signal] : [])];
    const limited = limit(signals, null);
    try {
      return await this.#work(stream, meta, limited.signal);
    } finally {
      limited.release();
    }
  }

  async #work(stream: Readable, meta: UploadMeta, signal: AbortSignal): Promise<AudioRow> {
    return await this.#store.withWorkspace(async (folder) => {
      const source = join(folder, 'source');
      const result = join(folder, 'result');
      await receive(stream, source, { maxBytes: this.#limits.maxBytes, signal });
      const options = { tools: this.#tools, limits: this.#limits, signal };
      const converted = await this.#turns.run(signal, async () => await convert(source, result, options));
      const id = await this.#oneByOne(async () => {
        await meta.beforeCommit?.();
        signal.throwIfAborted();
        const file = await this.#store.put(result);
        return await this.#insert({ ...converted, ...file }, meta);
      });
      return await this.get(id);
    });
  }

  /** Storing is quick; one at a time, a failure can't take away the file that another upload just found. */
  async #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#storing.then(work);
    this.#storing = done.catch(() => undefined);
    return await done;
  }

  async #insert(
    audio: StoredFile & { durationMs: number; originalLufs: number | null; peaks: number[] },
    meta: UploadMeta,
  ): Promise<string> {
    const { isNew, ...columns } = audio;
    const own = { title: titleOf(meta.filename), createdAt: this.#clock.now(), createdBy: meta.personId };
    try {
      const rows = await this.#db
        .insert(schema.audio)
        .values({ ...columns, ...own })
        .returning({ id: schema.audio.id });
      return rows[0]?.id ?? '';
    } catch (error) {
      if (isNew) await this.#store.remove(audio.sha256);
      throw error;
    }
  }

  #query() {
    return this.#db
      .select({ audio: schema.audio, createdBy: schema.people.name })
      .from(schema.audio)
      .innerJoin(schema.people, eq(schema.people.id, schema.audio.createdBy));
  }
}

function asAudioRow(row: { audio: typeof schema.audio.$inferSelect; createdBy: string }): AudioRow {
  return { ...row.audio, createdAt: mediaTime(row.audio.createdAt), createdBy: row.createdBy };
}
