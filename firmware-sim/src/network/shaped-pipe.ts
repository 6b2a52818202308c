import type { Timer } from '@loalang/device-agent';
import type { Socket } from 'node:net';
import type { Link } from './link.ts';
import type { Flow, Shaper } from './shaper.ts';

/** What a direction holds at most; when full the source is not read, so that TCP slows the sender down. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** A chunk is cut up, so that a big one comes out bit by bit. */
const SLICE_BYTES = 4096;

type Entry = { readonly atUs: number } & (
  { readonly kind: 'data'; readonly bytes: Buffer } | { readonly kind: 'end' } | { readonly kind: 'reset' }
);

/** Carries one direction of one connection from socket to socket at the pace of the link; ends and resets travel too. */
export class ShapedPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #link: Link;
  readonly #shaper: Shaper;
  readonly #flow: Flow = { lastReleaseUs: 0 };
  readonly #queue: Entry[] = [];
  #queuedBytes = 0;
  #timer: Timer | null = null;
  #isSilent = false;
  #stopListening: () => void = () => undefined;

  constructor(options: { from: Socket; to: Socket; link: Link; shaper: Shaper }) {
    this.#from = options.from;
    this.#to = options.to;
    this.#link = options.link;
    this.#shaper = options.shaper;
  }

  start(): void {
    this.#stopListening = this.#link.onResume(() => this.#arm());
    this.#from.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#from.on('end', () => {
      // The end that gives up on a silent connection is let go, or its socket would stay half closed for ever.
      if (this.#isSilent) this.#from.end();
      else this.#push({ kind: 'end' });
    });
    this.#from.on('close', (hadError) => {
      if (hadError || !this.#from.readableEnded) this.#push({ kind: 'reset' });
    });
    this.#to.on('drain', () => this.#flush());
    this.#to.on('close', () => this.#discard());
  }

  /** Nothing comes out any more, and neither end is told; what is sent is swallowed. */
  silence(): void {
    this.#isSilent = true;
    this.#discard();
  }

  close(): void {
    this.#stopListening();
    this.silence();
  }

  #take(chunk: Buffer): void {
    if (this.#isSilent || this.#to.destroyed) return;
    for (let start = 0; start < chunk.length; start += SLICE_BYTES) {
      const bytes = chunk.subarray(start, start + SLICE_BYTES);
      this.#queuedBytes += bytes.length;
      this.#push({ kind: 'data', bytes });
    }
    if (this.#queuedBytes >= MAX_QUEUED_BYTES) this.#from.pause();
  }

  #push(what: { kind: 'data'; bytes: Buffer } | { kind: 'end' } | { kind: 'reset' }): void {
    if (this.#isSilent) return;
    const length = what.kind === 'data' ? what.bytes.length : 0;
    const atUs = this.#shaper.releaseAtUs(this.#flow, length, this.#link.nowUs());
    this.#queue.push({ ...what, atUs });
    // Not by a timer where nothing is to be waited for: that would add a millisecond, now and then two.
    if (this.#timer === null) this.#flush();
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const head = this.#queue[0];
    if (head === undefined || this.#link.isStalled || this.#to.writableNeedDrain) return;
    const waitMs = Math.max(0, (head.atUs - this.#link.nowUs()) / 1000);
    this.#timer = this.#link.clock.after(waitMs, () => this.#flush());
  }

  #flush(): void {
    const nowUs = this.#link.nowUs();
    let head = this.#queue[0];
    while (head !== undefined && head.atUs <= nowUs && !this.#link.isStalled) {
      if (this.#to.writableNeedDrain) break;
      this.#queue.shift();
      this.#deliver(head);
      head = this.#queue[0];
    }
    if (this.#queuedBytes <= MAX_QUEUED_BYTES / 2) this.#from.resume();
    this.#arm();
  }

  #deliver(entry: Entry): void {
    switch (entry.kind) {
      case 'data':
        this.#queuedBytes -= entry.bytes.length;
        if (this.#to.writable) this.#to.write(entry.bytes);
        return;
      case 'end':
        this.#to.end();
        return;
      case 'reset':
        this.#to.resetAndDestroy();
        return;
    }
  }

  #discard(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#from.resume();
  }
}
