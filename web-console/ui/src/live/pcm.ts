/** Samples from -1 to 1 as signed 16-bit little-endian, whatever the machine's own order is. */
export function toPcm16(samples: Float32Array): ArrayBuffer {
  const buffer = new ArrayBuffer(samples.length * 2);
  const view = new DataView(buffer);
  samples.forEach((sample, index) => {
    const clipped = Math.max(-1, Math.min(1, sample));
    view.setInt16(2 * index, Math.round(clipped * 32_767), true);
  });
  return buffer;
}
