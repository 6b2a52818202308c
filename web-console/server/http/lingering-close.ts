import type { IncomingMessage } from 'node:http';
import type { App } from './app.ts';

/** So long a client that was answered early may go on sending before its connection is cut. */
const LINGER_MS = 5_000;

/**
 * An upload that is refused while it is still coming (nobody signed in, too big) must not go on for gigabytes. But closing
 * at once resets the connection (RFC 9112 §9.6), and a browser that still sends then shows a broken network in place of
 * our sentence: so what comes is thrown away for a moment, and then the connection is cut.
 */
export function cutOffRefusedUploads(app: App): void {
  app.addHook('onResponse', async ({ raw, ws }) => {
    if (ws || raw.complete || raw.readableEnded || raw.destroyed) return;
    discard(raw);
  });
}

function discard(raw: IncomingMessage): void {
  const cut = setTimeout(() => raw.destroy(), LINGER_MS);
  cut.unref();
  raw.once('end', () => clearTimeout(cut));
  raw.once('close', () => clearTimeout(cut));
  raw.unpipe();
  raw.resume();
}
