// Speaking live: one WebSocket from "Bắt đầu nói" to the end. Closing it, for whatever reason, ends the broadcast.
import type { LiveServerMessage, LiveStart } from '@loalang/shared';
import { readAnswer, socketUrl } from '../api.ts';
import { clock } from '../state/clock.svelte.ts';
import { language, words } from '../words/index.ts';
import { createEncoder, type LiveEncoder } from './encoder.ts';

export interface OnAir {
  readonly broadcastId: string;
  readonly latencyMs: number;
  /** Media time. */
  readonly endsAt: number;
  readonly startedAt: number;
  readonly deviceCount: number;
}
export type LivePhase = 'idle' | 'connecting' | 'on-air' | 'ended';

/** Sound that waits to leave the browser is late when it leaves: with more than this the network is too slow. */
const MOST_WAITING_MS = 8000;
const bytesAMs = { opus: 5, pcm: 96 } as const;
/** The server confirms the end; when it does not, the socket is closed all the same. */
const END_TIMEOUT_MS = 3000;

export class LiveSession {
  phase = $state<LivePhase>('idle');
  onAir = $state.raw<OnAir | null>(null);
  isMuted = $state(false);
  /** Why it ended, as a sentence. */
  ending = $state('');
  isFailure = $state(false);
  #socket: WebSocket | null = null;
  #encoder: LiveEncoder | null = null;
  #isEnding = false;

  /** Opens the way to the loudspeakers. */
  async start(start: Pick<LiveStart, 'title' | 'unitIds' | 'latency'>): Promise<void> {
    this.phase = 'connecting';
    const encoder = await createEncoder((bytes) => this.#send(bytes));
    if (this.phase !== 'connecting') return encoder.close();
    this.#encoder = encoder;
    const socket = new WebSocket(socketUrl('/api/live'));
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    const message: LiveStart = { type: 'start', ...start, codec: encoder.codec };
    socket.addEventListener('open', () => socket.send(JSON.stringify(message)));
    socket.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (typeof event.data === 'string') this.#take(readAnswer<LiveServerMessage>(event.data));
    });
    socket.addEventListener('close', () => this.#over(words.speak.errors.connection, true));
  }

  /** Takes 20 ms from the microphone. */
  take(block: Float32Array): void {
    if (this.phase !== 'on-air' || this.#isEnding || this.#encoder === null) return;
    const isTaken = this.#encoder.encode(this.isMuted ? new Float32Array(block.length) : block);
    if (!isTaken) this.#over(words.speak.errors.encoder, true);
    else if (this.#waitingMs() > MOST_WAITING_MS) this.#over(words.speak.errors.slow, true);
  }

  /** Ends it as the speaker wishes: the last words are sent first. */
  async end(): Promise<void> {
    if (this.phase !== 'on-air' || this.#isEnding) return this.close();
    this.#isEnding = true;
    await this.#encoder?.finish();
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type: 'end' }));
    window.setTimeout(() => this.#over(words.speak.ended.speaker, false), END_TIMEOUT_MS);
  }

  /** Ends it because the sound is gone. */
  fail(sentence: string): void {
    this.#over(sentence, true);
  }

  close(): void {
    this.#over(words.speak.ended.speaker, false);
  }

  #waitingMs(): number {
    return (this.#socket?.bufferedAmount ?? 0) / bytesAMs[this.#encoder?.codec ?? 'opus'];
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(bytes);
  }

  #take(message: LiveServerMessage): void {
    switch (message.type) {
      case 'on-air':
        this.onAir = { ...message, startedAt: clock.read() };
        this.phase = 'on-air';
        break;
      case 'ended':
        this.#over(words.speak.ended[message.reason], false);
        break;
      case 'error':
        this.#over(message[language], true);
        break;
    }
  }

  #over(sentence: string, isFailure: boolean): void {
    if (this.phase === 'ended' || this.phase === 'idle') return;
    this.phase = 'ended';
    this.ending = sentence;
    this.isFailure = isFailure;
    this.#encoder?.close();
    this.#socket?.close();
  }
}
