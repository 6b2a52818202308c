/** Longer than the longest plan. mqtt.js itself would collect up to 256 MiB for a hostile broker. */
export const MAX_MQTT_PACKET_BYTES = 4_200_000;

/** Follows the lengths of MQTT packets in a stream of bytes ([MQTT-2.2.3]) without keeping any of them. */
export class PacketLengths {
  #toSkip = 0;
  #isInHeader = false;
  #length = 0;
  #multiplier = 1;

  /** Takes a chunk as it came. False once a packet claims to be longer than is allowed, or its length is malformed. */
  take(chunk: Uint8Array): boolean {
    let offset = 0;
    while (offset < chunk.byteLength) {
      if (this.#toSkip > 0) {
        const skipped = Math.min(this.#toSkip, chunk.byteLength - offset);
        this.#toSkip -= skipped;
        offset += skipped;
      } else if (!this.#takeHeaderByte(chunk[offset++] ?? 0)) {
        return false;
      }
    }
    return true;
  }

  // One byte of type and flags, then 1 to 4 bytes of length, seven bits each, the lowest first.
  #takeHeaderByte(byte: number): boolean {
    if (!this.#isInHeader) {
      this.#isInHeader = true;
      this.#length = 0;
      this.#multiplier = 1;
      return true;
    }
    this.#length += (byte & 0x7f) * this.#multiplier;
    this.#multiplier *= 128;
    const isMore = (byte & 0x80) !== 0;
    if (this.#length > MAX_MQTT_PACKET_BYTES || (isMore && this.#multiplier > 128 ** 3)) return false;
    if (!isMore) {
      this.#isInHeader = false;
      this.#toSkip = this.#length;
    }
    return true;
  }
}
