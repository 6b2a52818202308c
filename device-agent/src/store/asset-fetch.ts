import { createHash } from 'node:crypto';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Authorize, PlatformHttp } from '../link/platform-http.ts';
import { hasCode, syncFolder } from './atomic-file.ts';

const CHUNK_BYTES = 65_536;
/** A transfer of which nothing came for this long is given up; what came is kept and resumed. */
export const STALL_MS = 20_000;

/** The bytes that came are not those that the plan names. */
export class AssetCorrupt extends Error {
  override readonly name = 'AssetCorrupt';
}

export interface AssetSource {
  readonly platform: PlatformHttp;
  readonly authorize: Authorize;
}

/** SHA-256 of a file, in hex; null where there is no such file. */
export async function hashFile(path: string): Promise<string | null> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** Fetches an asset into `<path>.part`, from where an earlier try broke off, checks it and puts it in place. */
export async function fetchAsset(
  asset: { sha256: string; bytes: number },
  path: string,
  source: AssetSource,
  signal: AbortSignal,
): Promise<void> {
  const part = `${path}.part`;
  const file = await open(part, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    const heldBytes = size > asset.bytes ? await restart(file) : size;
    if (heldBytes < asset.bytes) await download(asset, file, heldBytes, source, signal);
    await file.sync();
  } finally {
    await file.close();
  }
  await checkPart(part, asset);
  await rename(part, path);
  await syncFolder(dirname(path));
}

async function restart(file: FileHandle): Promise<number> {
  await file.truncate(0);
  return 0;
}

async function download(
  asset: { sha256: string; bytes: number },
  file: FileHandle,
  heldBytes: number,
  { platform, authorize }: AssetSource,
  signal: AbortSignal,
): Promise<void> {
  const watch = new StallWatch(signal);
  try {
    const response = await platform.asset(asset.sha256, heldBytes, authorize, watch.signal);
    let bytes = response.status === 206 ? heldBytes : await restart(file);
    if (response.body === null) return;
    const body: AsyncIterable<Uint8Array> = response.body;
    for await (const chunk of body) {
      watch.touch();
      bytes += chunk.byteLength;
      if (bytes > asset.bytes) throw new AssetCorrupt(`more than the ${asset.bytes} bytes planned`);
      await file.appendFile(chunk);
    }
  } finally {
    watch.close();
  }
}

/** Aborts when nothing was heard for a while. A real timer: it guards a socket, not the domain's time. */
class StallWatch {
  readonly signal: AbortSignal;
  readonly #stalled = new AbortController();
  #timer: NodeJS.Timeout;

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#stalled.signal]);
    this.#timer = this.#arm();
  }

  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#arm();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #arm(): NodeJS.Timeout {
    return setTimeout(() => this.#stalled.abort(new Error(`nothing came for ${STALL_MS} ms`)), STALL_MS);
  }
}

// A part that is short is kept and resumed; one that is whole and wrong can't be mended.
async function checkPart(part: string, asset: { sha256: string; bytes: number }): Promise<void> {
  const { size } = await stat(part);
  if (size < asset.bytes) throw new Error(`the transfer ended after ${size} of ${asset.bytes} bytes`);
  if ((await hashFile(part)) === asset.sha256) return;
  await rm(part, { force: true });
  throw new AssetCorrupt(`the bytes that came do not hash to ${asset.sha256}`);
}
