import type { FastifyBaseLogger } from 'fastify';
import type { Air, Clock, EndReason, LiveSession, Timer } from '@loalang/scheduler';
import {
  type LiveClientMessage,
  liveClientMessageSchema,
  LoaLangError,
  type LiveServerMessage,
  type LiveStart,
  type Person,
  sentence,
  unpackFrames,
} from '@loalang/shared';
import { catalogued } from './http/error-answer.ts';

/** A browser says what it wants at once; who doesn't only holds a socket. */
const START_WITHIN_MS = 5_000;
/** A broadcast without any sound for so long ends: the browser hangs, or its network is gone and TCP does not know. */
const SILENCE_ENDS_AFTER_MS = 10_000;
/** Six of the longest Opus frames are 7.7 kB, half a second of PCM 48 kB. */
export const MAX_MESSAGE_BYTES = 64 * 1024;
const BLOCK_SAMPLES = 960;
const BLOCK_BYTES = BLOCK_SAMPLES * 2;
const FRAMES_A_SECOND = 50;
/** A browser may catch up this much after its network hung; what comes faster than time beyond it is thrown away. */
const BURST_FRAMES = 5 * FRAMES_A_SECOND;

/** Close codes of RFC 6455 §7.4.1. */
const CLOSE_NORMAL = 1000;
const CLOSE_POLICY = 1008;
const CLOSE_TOO_BIG = 1009;
const CLOSE_FAILED = 1011;

/** The browser's end of the socket. */
export interface Wire {
  send(message: LiveServerMessage): void;
  close(code: number): void;
}

export interface MicrophoneParts {
  readonly air: Pick<Air, 'goLive'>;
  readonly clock: Clock;
  readonly person: Person;
  readonly wire: Wire;
  readonly requestId: string;
  readonly log: FastifyBaseLogger;
}

type State =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'on-air'; readonly session: LiveSession; readonly codec: LiveStart['codec'] }
  | { readonly kind: 'over' };

/**
 * One live microphone: waiting → starting → on air → over. Whatever ends it (the speaker, a stop, the time box, a wrong
 * message, silence, a closed socket, the end of the sign-in session) ends the broadcast, once.
 */
export class LiveMicrophone {
  /** Fulfilled when nothing of the broadcast is left. */
  readonly closed: Promise<void>;
  readonly #parts: MicrophoneParts;
  readonly #nowMs: () => number;
  #resolveClosed: () => void = () => undefined;
  #state: State = { kind: 'waiting' };
  #timer: Timer | null = null;
  #lastSoundMs = 0;
  #allowedFrames = BURST_FRAMES;
  #allowedAtMs = 0;
  #droppedFrames = 0;

  constructor(parts: MicrophoneParts) {
    this.#parts = parts;
    this.#nowMs = () => parts.clock.now() / 1000;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Starts to wait for the first message. */
  open(): void {
    this.#timer = this.#parts.clock.after(START_WITHIN_MS, () =>
      this.#fail(new LoaLangError('INPUT_INVALID', { field: 'start' })),
    );
  }

  /** A text message of the browser. */
  takeText(text: string): void {
    const message = parseMessage(text);
    if (message?.type === 'start' && this.#state.kind === 'waiting') void this.#start(message);
    else if (message?.type === 'end' && this.#state.kind !== 'waiting') void this.hangUp();
    else if (this.#state.kind !== 'over') this.#fail(new LoaLangError('INPUT_INVALID', { field: 'type' }));
  }

  /** A binary message of the browser. What comes before the broadcast is on air belongs to nothing and is dropped. */
  takeSound(bytes: Buffer): void {
    const state = this.#state;
    if (bytes.byteLength > MAX_MESSAGE_BYTES) {
      this.#fail(new LoaLangError('INPUT_INVALID', { field: 'sound' }), CLOSE_TOO_BIG);
    } else if (state.kind === 'waiting') {
      this.#fail(new LoaLangError('INPUT_INVALID', { field: 'start' }));
    } else if (state.kind === 'on-air') {
      const isSound =
        state.codec === 'opus' ? this.#pushOpus(state.session, bytes) : this.#pushPcm(state.session, bytes);
      if (isSound) this.#lastSoundMs = this.#nowMs();
      else this.#fail(new LoaLangError('INPUT_INVALID', { field: 'sound' }));
    }
  }

  /** The sign-in session has ended: nobody is left who may speak. */
  endSession(): void {
    this.#fail(new LoaLangError('SIGN_IN_REQUIRED'));
  }

  /** Ends the broadcast and waits until it has ended. May be called at any time, and again. */
  async hangUp(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'over') return this.closed;
    // While the start is still on its way, it ends the session itself as soon as it has one.
    this.#finish();
    if (state.kind === 'starting') return this.closed;
    if (state.kind === 'on-air') {
      await this.#endSession(state.session);
      this.#parts.wire.send({ type: 'ended', reason: 'speaker' });
    }
    this.#parts.wire.close(CLOSE_NORMAL);
    this.#resolveClosed();
  }

  async #start(message: LiveStart): Promise<void> {
    this.#state = { kind: 'starting' };
    this.#timer?.cancel();
    const { air, person } = this.#parts;
    let session: LiveSession;
    try {
      session = await air.goLive(person, message);
    } catch (error) {
      this.#fail(error);
      this.#resolveClosed();
      return;
    }
    if (this.#isOver()) {
      await this.#endSession(session);
      this.#parts.wire.close(CLOSE_NORMAL);
      this.#resolveClosed();
      return;
    }
    this.#goOnAir(session, message.codec);
  }

  #isOver(): boolean {
    return this.#state.kind === 'over';
  }

  #goOnAir(session: LiveSession, codec: LiveStart['codec']): void {
    this.#state = { kind: 'on-air', session, codec };
    this.#lastSoundMs = this.#nowMs();
    this.#allowedAtMs = this.#lastSoundMs;
    const { broadcastId, streamId, latencyMs, endsAt, deviceCount } = session;
    this.#parts.wire.send({ type: 'on-air', broadcastId, streamId, latencyMs, endsAt, deviceCount });
    this.#watchSilence(SILENCE_ENDS_AFTER_MS);
    session.onEnded((reason) => this.#ended(reason));
  }

  /** The broadcast has ended, by whomever. */
  #ended(reason: EndReason): void {
    if (this.#state.kind === 'over') return;
    this.#finish();
    this.#parts.wire.send({ type: 'ended', reason });
    this.#parts.wire.close(CLOSE_NORMAL);
    this.#resolveClosed();
  }

  #fail(error: unknown, closeCode?: number): void {
    const state = this.#state;
    if (state.kind === 'over') return;
    const { wire, requestId, log } = this.#parts;
    const { code, details } = catalogued(error, requestId);
    if (code === 'INTERNAL') log.error({ err: error }, 'live broadcast failed');
    else log.info({ code }, 'live broadcast refused');
    this.#finish();
    wire.send({ type: 'error', code, vi: sentence(code, 'vi', details), en: sentence(code, 'en', details) });
    wire.close(closeCode ?? (code === 'INTERNAL' ? CLOSE_FAILED : CLOSE_POLICY));
    if (state.kind === 'on-air') void this.#endAndClose(state.session);
    else if (state.kind === 'waiting') this.#resolveClosed();
  }

  #finish(): void {
    this.#state = { kind: 'over' };
    this.#timer?.cancel();
    if (this.#droppedFrames > 0) {
      this.#parts.log.warn({ droppedFrames: this.#droppedFrames }, 'sound came faster than time');
    }
  }

  async #endAndClose(session: LiveSession): Promise<void> {
    await this.#endSession(session);
    this.#resolveClosed();
  }

  async #endSession(session: LiveSession): Promise<void> {
    try {
      await session.end();
    } catch (error) {
      this.#parts.log.error(
        { err: error, broadcastId: session.broadcastId },
        'live broadcast did not end cleanly',
      );
    }
  }

  #watchSilence(ms: number): void {
    this.#timer = this.#parts.clock.after(ms, () => {
      const silentMs = this.#nowMs() - this.#lastSoundMs;
      if (silentMs < SILENCE_ENDS_AFTER_MS) this.#watchSilence(SILENCE_ENDS_AFTER_MS - silentMs);
      else this.#fail(new LoaLangError('LIVE_SILENT', { seconds: SILENCE_ENDS_AFTER_MS / 1000 }));
    });
  }

  #pushOpus(session: LiveSession, bytes: Buffer): boolean {
    const frames = unpackFrames(bytes);
    if (frames === null) return false;
    if (this.#allow(frames.length)) session.pushFrames(frames);
    return true;
  }

  #pushPcm(session: LiveSession, bytes: Buffer): boolean {
    const blocks = bytes.byteLength / BLOCK_BYTES;
    if (blocks < 1 || !Number.isInteger(blocks)) return false;
    if (this.#allow(blocks)) session.pushPcm(readSamples(bytes));
    return true;
  }

  /** Sound is made as fast as time goes; what comes faster would pile up further along the way. */
  #allow(frames: number): boolean {
    const nowMs = this.#nowMs();
    const gained = ((nowMs - this.#allowedAtMs) / 1000) * FRAMES_A_SECOND;
    this.#allowedFrames = Math.min(BURST_FRAMES, this.#allowedFrames + gained);
    this.#allowedAtMs = nowMs;
    if (this.#allowedFrames < frames) {
      this.#droppedFrames += frames;
      return false;
    }
    this.#allowedFrames -= frames;
    return true;
  }
}

function readSamples(bytes: Buffer): Int16Array {
  // Copied, because an Int16Array must start at an even offset and a WebSocket message need not.
  const samples = new Int16Array(bytes.byteLength / 2);
  for (let index = 0; index < samples.length; index += 1) samples[index] = bytes.readInt16LE(2 * index);
  return samples;
}

function parseMessage(text: string): LiveClientMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  return liveClientMessageSchema.safeParse(value).data ?? null;
}
