// One open card, kept full. It writes sound only while it can say when that will be heard; else silence, so that the card
// runs and can be read. Underruns and suspends are got over here; what is thrown means that the card is lost.
import { DeviceLine } from './device-line.ts';
import { PcmError, toInt16 } from './pcm.ts';
import type { Pcm, PcmStatus } from './pcm.ts';
import type { Render } from './sink.ts';

/** 20 ms, as everywhere in the playout. */
const BLOCK_FRAMES = 960;
/** A card that takes nothing for so long stands still, whatever state it claims. Longer than any start seen. */
const STUCK_AFTER_US = 5_000_000;
/** One that runs dry so often without having played in between will never play. A second of calls. */
const MOST_DRY_STARTS = 50;

export interface FeederCounts {
  readonly underruns: number;
  readonly suspends: number;
}

export class PcmFeeder {
  readonly #pcm: Pcm;
  readonly #line: DeviceLine;
  readonly #render: Render;
  readonly #samples = new Float32Array(BLOCK_FRAMES);
  readonly #block = new Int16Array(BLOCK_FRAMES);
  /** What of the block has not found room yet. */
  #rest = this.#block.subarray(BLOCK_FRAMES);
  #framesWritten = 0;
  #takenAtUs = Infinity;
  #isHeard = false;
  #suspendedAtUs: number | null = null;
  #dryStarts = 0;
  #underruns = 0;
  #suspends = 0;

  constructor(pcm: Pcm, line: DeviceLine, render: Render) {
    this.#pcm = pcm;
    this.#line = line;
    this.#render = render;
  }

  get counts(): FeederCounts {
    return { underruns: this.#underruns, suspends: this.#suspends };
  }

  /** Whether the card has really played something. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /** Reads where the card is and fills what room it has. To be called well within the length of its buffer. */
  feed(nowUs: number): void {
    try {
      this.#act(this.#pcm.status(), nowUs);
    } catch (error) {
      if (!(error instanceof PcmError)) throw error;
      if (error.code === 'EPIPE') this.#recover(nowUs);
      else if (error.code === 'ESTRPIPE') this.#resume(nowUs);
      // EINTR: a signal came in between; the next call does it.
      else if (error.code !== 'EINTR') throw error;
    }
  }

  #act(status: PcmStatus, nowUs: number): void {
    switch (status.state) {
      case 'running':
        this.#suspendedAtUs = null;
        this.#run(status, nowUs);
        break;
      case 'idle':
      case 'prepared':
        this.#begin(nowUs);
        break;
      case 'underrun':
        this.#recover(nowUs);
        break;
      case 'suspended':
        this.#resume(nowUs);
        break;
      case 'gone':
        throw new PcmError('ENODEV', 'the card was pulled out');
    }
  }

  #run(status: PcmStatus, nowUs: number): void {
    // A delay of nothing is what drivers say while they don't know, or have run dry.
    if (status.delayFrames > 0) this.#line.observe(this.#framesWritten, status.delayFrames, status.atUs);
    if (status.availableFrames > 0) {
      this.#takenAtUs = nowUs;
      this.#isHeard = true;
      this.#dryStarts = 0;
    }
    if (nowUs - this.#takenAtUs > STUCK_AFTER_US) throw new PcmError('EIO', 'the card stands still');
    this.#fill(nowUs);
  }

  // To the brim, though the last block may find room in part only: a sound server that has run dry begins again when its
  // buffer is full, and would wait for ever for what we keep back.
  #fill(nowUs: number): void {
    for (let frames = 0; this.#writeRest() && frames < this.#pcm.bufferFrames; frames += BLOCK_FRAMES) {
      this.#renderBlock(nowUs);
    }
  }

  #renderBlock(nowUs: number): void {
    if (this.#line.isKnown(nowUs)) {
      const heardAtUs = this.#line.heardAtUs(this.#framesWritten);
      this.#render(heardAtUs, this.#samples, this.#line.pace);
      toInt16(this.#samples, this.#block);
    } else {
      this.#block.fill(0);
    }
    this.#rest = this.#block;
  }

  /** False where the card has no room for it now. */
  #writeRest(): boolean {
    if (this.#rest.length > 0) {
      const written = this.#pcm.write(this.#rest);
      this.#framesWritten += written;
      this.#rest = this.#rest.subarray(written);
    }
    return this.#rest.length === 0;
  }

  // The whole buffer is filled before the start: the first readings come while it plays, and from then on sound is written.
  #begin(nowUs: number): void {
    this.#line.restart();
    this.#rest = this.#block.subarray(BLOCK_FRAMES);
    this.#pcm.prepare();
    this.#framesWritten = this.#writeSilence();
    this.#pcm.start();
    this.#takenAtUs = nowUs;
    this.#suspendedAtUs = null;
  }

  #writeSilence(): number {
    let rest = new Int16Array(this.#pcm.bufferFrames);
    for (let written = -1; written !== 0 && rest.length > 0; rest = rest.subarray(written)) {
      written = this.#pcm.write(rest);
    }
    return this.#pcm.bufferFrames - rest.length;
  }

  #recover(nowUs: number): void {
    this.#underruns += 1;
    this.#dryStarts += 1;
    if (this.#dryStarts > MOST_DRY_STARTS) throw new PcmError('EIO', 'the card runs dry at once');
    this.#begin(nowUs);
  }

  // What the card still held is of before the suspend: it is dropped even where the driver could go on with it.
  #resume(nowUs: number): void {
    if (this.#suspendedAtUs === null) this.#suspends += 1;
    this.#suspendedAtUs ??= nowUs;
    if (nowUs - this.#suspendedAtUs > STUCK_AFTER_US) throw new PcmError('EIO', 'the card does not wake up');
    try {
      if (!this.#pcm.resume()) return;
    } catch (error) {
      // ENOSYS and the like: this driver can't, and is to be prepared instead.
      if (!(error instanceof PcmError)) throw error;
    }
    this.#begin(nowUs);
  }
}
