import type { Duplex } from 'node:stream';

/** What becomes of a chunk: an objection ends the stream; else so much is handed on, and no more for a while. */
export type Ruling =
  | { readonly objection: Error }
  | { readonly objection: null; readonly takenBytes: number; readonly waitMs: number };

/**
 * Shows every chunk to `rule` before the broker parses it. At the first objection the stream is destroyed; what is not
 * taken stays in the stream, whose peer then finds its own buffers full.
 *
 * Aedes bounds neither size nor number of packets: its parser collects up to 256 MiB for any peer, and works through
 * 30,000 packets of one chunk in one go. It takes its bytes by `stream.read()` at 'readable' alone, whatever the stream
 * is made of, so that these two of this one stream are where the gate stands. A wrapping stream would do the same on
 * the way in, and put a second buffer on the way out that the fan-out can't see.
 */
export function gateReads(stream: Duplex, rule: (bytes: Uint8Array) => Ruling): void {
  const read = stream.read.bind(stream);
  let pause: NodeJS.Timeout | null = null;
  stream.read = (size?: number): unknown => {
    if (pause !== null) return null;
    const bytes: unknown = read(size);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const ruling = rule(bytes);
    if (ruling.objection !== null) {
      stream.destroy(ruling.objection);
      return null;
    }
    if (ruling.waitMs > 0) pause = setTimeout(goOn, ruling.waitMs);
    const { takenBytes } = ruling;
    if (takenBytes < bytes.byteLength) stream.unshift(bytes.subarray(takenBytes));
    return takenBytes === 0 ? null : bytes.subarray(0, takenBytes);
  };
  const goOn = (): void => {
    pause = null;
    stream.emit('readable');
  };
  stream.once('close', () => {
    if (pause !== null) clearTimeout(pause);
  });
}
