// For tests: a thread that opens ALSA's card without hardware and says so. The first one then hangs in a system call, as in a
// broken driver, until somebody writes into the pipe `gate` in the folder that its settings name.
import { openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { BroadcastChannel, workerData } from 'node:worker_threads';
import { openAlsaPcm } from '../sink/alsa-pcm.ts';
import type { ThreadSettings } from './messages.ts';

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the renderer has put it there
const { sink, reasonBefore, heldCard } = workerData as ThreadSettings;
await openAlsaPcm('null', 9_600, heldCard);
const channel = new BroadcastChannel('held');
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is no window
channel.postMessage(heldCard);
if (sink.kind === 'wav' && reasonBefore === 'powered-off') {
  readSync(openSync(join(sink.folder, 'gate'), 'r'), Buffer.alloc(1));
}
