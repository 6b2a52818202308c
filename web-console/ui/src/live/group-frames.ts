/** Collects frames into groups of a size; what is left at the end goes out as a last, shorter group. */
export class FrameGroups {
  readonly #size: number;
  readonly #send: (group: readonly Uint8Array[]) => void;
  #frames: Uint8Array[] = [];

  constructor(size: number, send: (group: readonly Uint8Array[]) => void) {
    this.#size = size;
    this.#send = send;
  }

  /** Takes one frame; sends a group when it is full. */
  add(frame: Uint8Array): void {
    this.#frames.push(frame);
    if (this.#frames.length === this.#size) this.flush();
  }

  /** Sends what is left. */
  flush(): void {
    const group = this.#frames;
    this.#frames = [];
    if (group.length > 0) this.#send(group);
  }
}
