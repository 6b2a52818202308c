// The renderer's thread as an object: how it begins, and how it ends by force.
import { Worker } from 'node:worker_threads';
import { closeHeldCard, type HeldCard } from '../sink/index.ts';
import type { ThreadSettings } from './messages.ts';

// Bundled it lies beside this as plain JavaScript.
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
/** It makes little garbage; a small young generation keeps the thread's memory and its pauses short. */
const YOUNG_MB = 4;

/** A thread, and where it notes the card that it has open: one that hangs may live on beside the next. */
export interface RendererThread {
  readonly worker: Worker;
  readonly heldCard: HeldCard;
}

export function startThread(settings: Omit<ThreadSettings, 'heldCard'>, entry: URL = ENTRY): RendererThread {
  const heldCard: HeldCard = new BigInt64Array(new SharedArrayBuffer(8));
  const workerData: ThreadSettings = { ...settings, heldCard };
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
  return { worker: new Worker(entry, { workerData, resourceLimits, ...readingOf(entry) }), heldCard };
}

/** Resolves once the thread is no more and its card closed; what hangs in a driver may never be. */
export async function endThread({ worker, heldCard }: RendererThread): Promise<void> {
  await worker.terminate();
  await closeHeldCard(heldCard);
}

function readingOf(entry: URL): { execArgv?: string[] } {
  if (!entry.pathname.endsWith('.ts')) return {};
  return { execArgv: ['--import', new URL('./read-typescript.mjs', import.meta.url).href] };
}
