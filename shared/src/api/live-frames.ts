// How Opus frames travel in one message from the browser. Apart from the schemas, so that the console's bundle holds no zod.

/** Lays out Opus frames in one message: u8 count, u16 length of each (big endian), the frames. */
export function packFrames(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(1 + frames.reduce((sum, frame) => sum + 2 + frame.byteLength, 0));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, frames.length);
  let offset = 1 + 2 * frames.length;
  frames.forEach((frame, index) => {
    view.setUint16(1 + 2 * index, frame.byteLength);
    bytes.set(frame, offset);
    offset += frame.byteLength;
  });
  return bytes;
}

/** Reads what `packFrames` wrote, without copying; null where it is anything else. */
export function unpackFrames(bytes: Uint8Array): Uint8Array[] | null {
  const count = bytes[0] ?? 0;
  let offset = 1 + 2 * count;
  if (count < 1 || count > 6 || offset > bytes.byteLength) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) {
    const length = view.getUint16(1 + 2 * index);
    if (length < 1 || length > 1275 || offset + length > bytes.byteLength) return null;
    frames.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return offset === bytes.byteLength ? frames : null;
}
