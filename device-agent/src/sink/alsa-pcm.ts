// An ALSA card behind the `Pcm` interface. Only opening and closing can take long; they run outside of our thread.
import { check, loadAlsa } from './alsa-library.ts';
import type { AlsaLibrary, Handle } from './alsa-library.ts';
import { PcmError, SAMPLE_RATE } from './pcm.ts';
import type { Pcm, PcmState, PcmStatus } from './pcm.ts';

// From alsa-lib's pcm.h.
const STREAM_PLAYBACK = 0;
const MODE_NONBLOCK = 1;
const ACCESS_RW_INTERLEAVED = 3;
const FORMAT_S16 = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 2 : 3;
const TIME_ENABLED = 1;
const TIME_MONOTONIC = 1;
const states: readonly PcmState[] = [
  'idle', // OPEN
  'idle', // SETUP
  'prepared',
  'running',
  'underrun',
  'running', // DRAINING
  'idle', // PAUSED
  'suspended',
  'gone', // DISCONNECTED
];

const PERIOD_FRAMES = 480;
// Far above any buffer: the card begins when we say so, not when enough has been written.
const NEVER_FRAMES = 0x4000_0000;
// A time stamp that lies outside of the call by more than this is of another clock.
const MAX_STAMP_ERROR_US = 1_000_000;
const TIMESPEC_BYTES = 16;

/**
 * Where a thread notes the card that it has open (0: none), so that another can close it when the thread was ended by force:
 * until then nobody in this process could open it again.
 */
export type HeldCard = BigInt64Array<SharedArrayBuffer>;

/** Closes what a thread that is no more has left open. */
export async function closeHeldCard(held: HeldCard): Promise<void> {
  const handle = Atomics.exchange(held, 0, 0n);
  if (handle !== 0n) await closeHandle(await loadAlsa(), handle);
}

/** Opens a card for playing. One that can't do mono at 48 kHz itself is opened behind ALSA's converters. */
export async function openAlsaPcm(
  device: string,
  bufferFrames: number,
  held: HeldCard = nobodysCard(),
): Promise<Pcm> {
  const alsa = await loadAlsa();
  const handle = await openHandle(alsa, device);
  try {
    const pcm = new AlsaPcm(alsa, handle, configure(alsa, handle, bufferFrames), held);
    if (typeof handle === 'bigint') Atomics.store(held, 0, handle);
    return pcm;
  } catch (error) {
    await closeHandle(alsa, handle);
    if (!(error instanceof PcmError) || error.code !== 'EINVAL' || device.startsWith('plug')) throw error;
  }
  return openAlsaPcm(`plug:'${device}'`, bufferFrames, held);
}

class AlsaPcm implements Pcm {
  readonly bufferFrames: number;
  readonly #alsa: AlsaLibrary;
  readonly #handle: Handle;
  readonly #held: HeldCard;
  readonly #status: Handle;
  readonly #time = new Uint8Array(TIMESPEC_BYTES);
  #closing: Promise<void> | null = null;

  constructor(alsa: AlsaLibrary, handle: Handle, bufferFrames: number, held: HeldCard) {
    this.#alsa = alsa;
    this.#handle = handle;
    this.#held = held;
    this.bufferFrames = bufferFrames;
    this.#status = alsa.allocate('status');
  }

  status(): PcmStatus {
    const alsa = this.#alsa;
    const beforeUs = monotonicUs();
    check(alsa, alsa.status(this.#handle, this.#status), 'snd_pcm_status');
    const afterUs = monotonicUs();
    this.#time.fill(0xff);
    alsa.statusTime(this.#status, this.#time);
    return {
      state: states[alsa.statusState(this.#status)] ?? 'gone',
      availableFrames: alsa.statusAvail(this.#status),
      delayFrames: alsa.statusDelay(this.#status),
      atUs: stampWithin(timespecUs(this.#time), beforeUs, afterUs),
    };
  }

  write(samples: Int16Array): number {
    const written = this.#alsa.writei(this.#handle, samples, samples.length);
    // EAGAIN: no room at all.
    return written === -11 ? 0 : check(this.#alsa, written, 'snd_pcm_writei');
  }

  prepare(): void {
    // A card that runs refuses to be prepared; what dropping it returns does not matter, since preparing would fail too.
    this.#alsa.drop(this.#handle);
    check(this.#alsa, this.#alsa.prepare(this.#handle), 'snd_pcm_prepare');
  }

  start(): void {
    check(this.#alsa, this.#alsa.start(this.#handle), 'snd_pcm_start');
  }

  resume(): boolean {
    const result = this.#alsa.resume(this.#handle);
    if (result === -11) return false;
    check(this.#alsa, result, 'snd_pcm_resume');
    return true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Before, not after: closed twice it would take the process down, not at all only the card.
    Atomics.store(this.#held, 0, 0n);
    await closeHandle(this.#alsa, this.#handle);
    this.#alsa.free('status', this.#status);
  }
}

/** The microseconds of a struct timespec in any of its layouts; unused bytes must have been filled with 0xff before. */
export function timespecUs(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, TIMESPEC_BYTES);
  // Seconds since the boot fit into 31 bits. Where time_t has 32 bits, the nanoseconds follow at once.
  const seconds = view.getInt32(0, true);
  const third = view.getInt32(8, true);
  return seconds * 1e6 + (third === -1 ? view.getInt32(4, true) : third) / 1e3;
}

/** When the delay was read: the driver's own stamp where it is of our clock, else the middle of the call. */
export function stampWithin(stampUs: number, beforeUs: number, afterUs: number): number {
  const isOurs = stampUs > beforeUs - MAX_STAMP_ERROR_US && stampUs <= afterUs;
  return isOurs ? stampUs : (beforeUs + afterUs) / 2;
}

function nobodysCard(): HeldCard {
  return new BigInt64Array(new SharedArrayBuffer(8));
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint()) / 1000;
}

function openHandle(alsa: AlsaLibrary, device: string): Promise<Handle> {
  const out: [Handle] = [null];
  return new Promise((resolve, reject) => {
    alsa.open.async(out, device, STREAM_PLAYBACK, MODE_NONBLOCK, (error: unknown, result) => {
      if (error === null || error === undefined) {
        if (result >= 0) return resolve(out[0]);
        return reject(failure(() => check(alsa, result, `snd_pcm_open ${device}`)));
      }
      reject(error instanceof Error ? error : new Error('snd_pcm_open', { cause: error }));
    });
  });
}

function failure(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  return new Error('nothing failed');
}

// What it returns is not looked at: a card that was pulled out can't be closed any better.
async function closeHandle(alsa: AlsaLibrary, handle: Handle): Promise<void> {
  await new Promise<void>((resolve) => alsa.drop.async(handle, () => resolve()));
  await new Promise<void>((resolve) => alsa.close.async(handle, () => resolve()));
}

/** Asks for our format and buffer, for stamps of CLOCK_MONOTONIC and for an explicit start; returns the buffer's length. */
function configure(alsa: AlsaLibrary, handle: Handle, wantedFrames: number): number {
  const bufferFrames = withMemory(alsa, 'hw_params', (hw) => {
    check(alsa, alsa.hwAny(handle, hw), 'snd_pcm_hw_params_any');
    check(alsa, alsa.hwAccess(handle, hw, ACCESS_RW_INTERLEAVED), 'access to the card');
    check(alsa, alsa.hwFormat(handle, hw, FORMAT_S16), '16 bits');
    check(alsa, alsa.hwChannels(handle, hw, 1), 'one channel');
    check(alsa, alsa.hwRate(handle, hw, SAMPLE_RATE, 0), '48 kHz');
    const buffer: [number] = [wantedFrames];
    check(alsa, alsa.hwPeriodNear(handle, hw, [PERIOD_FRAMES], [0]), 'period');
    check(alsa, alsa.hwBufferNear(handle, hw, buffer), 'buffer');
    check(alsa, alsa.hwParams(handle, hw), 'snd_pcm_hw_params');
    return buffer[0];
  });
  withMemory(alsa, 'sw_params', (sw) => {
    check(alsa, alsa.swCurrent(handle, sw), 'snd_pcm_sw_params_current');
    check(alsa, alsa.swStartThreshold(handle, sw, NEVER_FRAMES), 'start threshold');
    // Plugins may not know of stamps; then the clock is read around the call.
    alsa.swTimeMode(handle, sw, TIME_ENABLED);
    alsa.swTimeType(handle, sw, TIME_MONOTONIC);
    check(alsa, alsa.swParams(handle, sw), 'snd_pcm_sw_params');
  });
  return bufferFrames;
}

function withMemory<T>(alsa: AlsaLibrary, what: 'hw_params' | 'sw_params', use: (memory: Handle) => T): T {
  const memory = alsa.allocate(what);
  try {
    return use(memory);
  } finally {
    alsa.free(what, memory);
  }
}
