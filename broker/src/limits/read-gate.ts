import type { Duplex } from 'node:stream';

/**
 * Shows every chunk to `inspect` before the broker parses it, and destroys the stream at the first objection.
 *
 * Aedes bounds no packet's size: its parser collects up to 256 MiB for any peer. It takes its bytes by `stream.read()`
 * alone, whatever the stream is made of, so that one method of this one stream is where the gate stands. A wrapping
 * stream would do the same on the way in, and put a second buffer on the way out that the fan-out can't see.
 */
export function gateReads(stream: Duplex, inspect: (bytes: Uint8Array) => Error | null): void {
  const read = stream.read.bind(stream);
  stream.read = (size?: number): unknown => {
    const bytes: unknown = read(size);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const objection = inspect(bytes);
    if (objection === null) return bytes;
    stream.destroy(objection);
    return null;
  };
}
