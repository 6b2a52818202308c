// The audio of the plan, on this receiver's disk before it is due: fetched one at a time, checked, kept as long as a
// plan needs it. What lies there from before is checked once before it counts.
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Schema, type MediaTime, type PlanItem } from '@loalang/shared';
import type { Logger } from 'pino';
import type { MonotonicClock } from '../clock/index.ts';
import { Backoff, pause } from '../link/backoff.ts';
import { AssetCorrupt, fetchAsset, hashFile, type AssetSource } from './asset-fetch.ts';
import type { AssetFile } from './asset-file.ts';
import { isDueSoon, wantedAssets, type WantedAsset } from './asset-order.ts';
import { isDiskFull } from './atomic-file.ts';

/** A week of four hours a day at 24 kb/s is 300 MB. */
export const DEFAULT_MAX_CACHE_BYTES = 1_000_000_000;
/** What is due within this after a start is checked first: an item that goes on in the middle can't wait. */
const AT_ONCE_US = 5 * 1e6;
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 60_000;
/** What isn't due soon waits a random part of this, so that a thousand receivers don't ask in one second. */
const SPREAD_MS = 60_000;

export interface AssetCacheOptions {
  readonly folder: string;
  readonly source: AssetSource;
  readonly clock: MonotonicClock;
  readonly random: () => number;
  readonly log: Logger;
  readonly mediaNow: () => MediaTime | null;
  /** May one ask the platform now? Without a credential or the hour every request would be refused. */
  readonly canFetch: () => boolean;
  /** What is cached, or the disk's fault, has changed. */
  readonly onChange: () => void;
  readonly maxBytes?: number;
}

/** Content-addressed files of planned audio. */
export class AssetCache {
  readonly #options: AssetCacheOptions;
  readonly #checked = new Map<string, number>();
  readonly #retries = new Map<string, { backoff: Backoff; notBeforeUs: number }>();
  readonly #ended = new AbortController();
  #wanted: readonly WantedAsset[] = [];
  #items: readonly PlanItem[] = [];
  #isDiskFull = false;
  #transfer: { readonly sha256: string; readonly giveWay: AbortController } | null = null;
  #wake: AbortController = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(options: AssetCacheOptions) {
    this.#options = options;
  }

  /** Opens the folder; what must sound now is checked before this resolves. Then begins to fetch what is wanted. */
  async start(items: readonly PlanItem[]): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true });
    this.#items = items;
    const now = this.#options.mediaNow();
    for (const asset of now === null ? [] : wantedAssets(items, now)) {
      if (asset.dueAt - (now ?? 0) < AT_ONCE_US) await this.#checkOnDisk(asset);
    }
    this.#work = this.#run();
  }

  /** Breaks off the transfer under way; what came of it is kept. */
  async close(): Promise<void> {
    this.#ended.abort();
    this.#wake.abort();
    await this.#work;
  }

  get isDiskFull(): boolean {
    return this.#isDiskFull;
  }

  /** The plan has changed: these are its items. */
  want(items: readonly PlanItem[]): void {
    this.#items = items;
    this.#letUrgentOvertake();
    this.look();
  }

  /** Something happened that may let a transfer start: a plan, a link, the hour. */
  look(): void {
    this.#wake.abort();
  }

  /** Is this asset on the disk, and checked since the start? */
  has(sha256: string): boolean {
    return this.#checked.has(sha256);
  }

  /** Where a cached asset lies; null where it isn't cached. */
  find(sha256: string): AssetFile | null {
    const bytes = this.#checked.get(sha256);
    return bytes === undefined ? null : { path: this.#pathOf(sha256), bytes };
  }

  /** A cached file turned out to be damaged: it is checked again, and fetched again where the check fails. */
  distrust(sha256: string): void {
    if (this.#checked.delete(sha256)) this.#options.onChange();
    this.look();
  }

  /** The disk takes nothing more, not even proofs: what no plan needs goes. */
  async freeRoom(): Promise<void> {
    try {
      await this.#evict(0, null);
    } catch (error) {
      this.#options.log.error({ err: error }, 'no room could be made');
    }
  }

  async #run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      this.#wake = new AbortController();
      const waitMs = await this.#step();
      await pause(this.#options.clock, waitMs, AbortSignal.any([this.#wake.signal, this.#ended.signal]));
    }
  }

  // One asset checked or fetched; returns how long to wait before the next look.
  async #step(): Promise<number> {
    try {
      this.#wanted = wantedAssets(this.#items, this.#options.mediaNow());
      this.#forgetUnwanted();
      const unchecked = this.#wanted.find(
        (asset) => !this.has(asset.sha256) && !this.#retries.has(asset.sha256),
      );
      if (unchecked !== undefined) {
        await this.#checkOnDisk(unchecked);
        return 0;
      }
      return await this.#fetchNext();
    } catch (error) {
      // The folder itself fails (a dying card): the agent goes on with what it has, and looks again.
      this.#options.log.error({ err: error }, 'the asset cache failed');
      return RETRY_MOST_MS;
    }
  }

  async #fetchNext(): Promise<number> {
    if (!this.#options.canFetch()) return RETRY_MOST_MS;
    const nowUs = this.#options.clock.nowUs();
    const missing = this.#wanted.filter(({ sha256 }) => !this.has(sha256));
    const next = missing.find((asset) => this.#mayFetch(asset));
    if (next !== undefined) {
      await this.#fetch(next);
      return 0;
    }
    const waits = missing.map(({ sha256 }) => (this.#retries.get(sha256)?.notBeforeUs ?? nowUs) - nowUs);
    return Math.max(1, Math.min(RETRY_MOST_MS, ...waits.map((us) => us / 1000)));
  }

  #mayFetch({ sha256 }: WantedAsset): boolean {
    return (this.#retries.get(sha256)?.notBeforeUs ?? 0) <= this.#options.clock.nowUs();
  }

  // On a weak network a file of next week takes an hour: what is due soon doesn't wait for it. What came of it is kept.
  #letUrgentOvertake(): void {
    if (this.#transfer === null) return;
    const now = this.#options.mediaNow();
    const next = wantedAssets(this.#items, now).find(
      (asset) => !this.has(asset.sha256) && this.#mayFetch(asset),
    );
    const isOvertaken = next !== undefined && next.sha256 !== this.#transfer.sha256 && isDueSoon(next, now);
    if (isOvertaken) this.#transfer.giveWay.abort();
  }

  #forgetUnwanted(): void {
    const wanted = new Set(this.#wanted.map(({ sha256 }) => sha256));
    for (const sha256 of this.#retries.keys()) if (!wanted.has(sha256)) this.#retries.delete(sha256);
  }

  async #checkOnDisk(asset: WantedAsset): Promise<void> {
    const path = this.#pathOf(asset.sha256);
    const found = await this.#hashOrUnreadable(path);
    if (found === asset.sha256) {
      this.#confirm(asset);
      return;
    }
    if (found !== null) {
      this.#options.log.warn({ sha256: asset.sha256 }, 'a cached asset is damaged and will be fetched again');
      await rm(path, { force: true, recursive: true });
    }
    const isSoon = isDueSoon(asset, this.#options.mediaNow());
    const spreadUs = isSoon ? 0 : this.#options.random() * SPREAD_MS * 1000;
    this.#retries.set(asset.sha256, {
      backoff: new Backoff(RETRY_FIRST_MS, RETRY_MOST_MS, this.#options.random),
      notBeforeUs: this.#options.clock.nowUs() + spreadUs,
    });
  }

  // One bad sector of a dying card must not keep the receiver from starting, nor from fetching all the others.
  async #hashOrUnreadable(path: string): Promise<string | null> {
    try {
      return await hashFile(path);
    } catch (error) {
      this.#options.log.warn({ err: error, path }, 'a cached asset can not be read');
      return 'unreadable';
    }
  }

  async #fetch(asset: WantedAsset): Promise<void> {
    const { source, log } = this.#options;
    const giveWay = new AbortController();
    this.#transfer = { sha256: asset.sha256, giveWay };
    const signal = AbortSignal.any([this.#ended.signal, giveWay.signal]);
    try {
      await this.#makeRoom(asset);
      await fetchAsset(asset, this.#pathOf(asset.sha256), source, signal);
      this.#setDiskFull(false);
      this.#confirm(asset);
    } catch (error) {
      if (signal.aborted) return;
      if (isDiskFull(error)) this.#setDiskFull(true);
      log.warn({ sha256: asset.sha256, err: error }, 'an asset could not be fetched');
      this.#postpone(asset, error);
    } finally {
      this.#transfer = null;
    }
  }

  #postpone(asset: WantedAsset, error: unknown): void {
    const retry = this.#retries.get(asset.sha256);
    if (retry === undefined) return;
    const waitMs = error instanceof AssetCorrupt ? RETRY_MOST_MS : retry.backoff.nextMs();
    retry.notBeforeUs = this.#options.clock.nowUs() + waitMs * 1000;
  }

  #confirm({ sha256, bytes }: WantedAsset): void {
    this.#checked.set(sha256, bytes);
    this.#retries.delete(sha256);
    this.#options.onChange();
  }

  async #makeRoom({ sha256: coming, bytes }: WantedAsset): Promise<void> {
    const maxBytes = this.#options.maxBytes ?? DEFAULT_MAX_CACHE_BYTES;
    const total = await this.#evict(this.#isDiskFull ? 0 : maxBytes - bytes, coming);
    if (total + bytes > maxBytes) throw new CacheFull(total + bytes, maxBytes);
  }

  // What no plan needs goes, the oldest first, until the limit is kept; what is planned never goes. Returns what is left.
  async #evict(limitBytes: number, coming: string | null): Promise<number> {
    const files = (await this.#files()).filter(({ sha256 }) => sha256 !== coming);
    const needed = new Set(this.#items.map(({ asset }) => asset.sha256));
    let total = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files.filter(({ sha256 }) => !needed.has(sha256))) {
      if (total <= limitBytes) break;
      await rm(file.path, { force: true });
      this.#checked.delete(file.sha256);
      total -= file.bytes;
    }
    return total;
  }

  async #files(): Promise<{ path: string; sha256: string; bytes: number; modifiedMs: number }[]> {
    const files = [];
    for (const name of await readdir(this.#options.folder)) {
      const sha256 = name.replace(/\.part$/, '');
      if (!sha256Schema.safeParse(sha256).success) continue;
      const path = join(this.#options.folder, name);
      const { size, mtimeMs } = await stat(path);
      files.push({ path, sha256, bytes: size, modifiedMs: mtimeMs });
    }
    return files.toSorted((a, b) => a.modifiedMs - b.modifiedMs);
  }

  #setDiskFull(isFull: boolean): void {
    if (this.#isDiskFull === isFull) return;
    this.#isDiskFull = isFull;
    this.#options.onChange();
  }

  #pathOf(sha256: string): string {
    return join(this.#options.folder, sha256);
  }
}

/** The plan needs more than the bound of the cache: for the receiver the same as a full disk. */
class CacheFull extends Error {
  override readonly name = 'CacheFull';
  readonly code = 'ENOSPC';

  constructor(neededBytes: number, maxBytes: number) {
    super(`the plan needs ${neededBytes} bytes, the cache holds ${maxBytes}`);
  }
}
