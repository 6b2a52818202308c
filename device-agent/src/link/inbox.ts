// What comes from the broker, told apart by topic and bounded before anybody looks inside. Control messages are worked
// on one after the other; audio at once.
import { parseTopic, REPAIR_PREFIX_BYTES, type RefusalReason } from '@loalang/shared';

/** Longer messages of a topic are refused unread. */
const maxBytes = {
  plan: 4_000_000,
  now: 65_536,
  cmd: 8_192,
  'proof/ack': 4_096,
  'clock/res': 4_096,
  revoked: 4_000_000,
} as const;
export type ControlKind = keyof typeof maxBytes;
const MAX_AUDIO_BYTES = 16 + 6 * (2 + 1_275) + 64;
/** Control messages waiting for their turn, and how long they are together: two of the longest. Full: the newest is refused. */
const MAX_WAITING = 64;
const MAX_WAITING_BYTES = 8_000_000;

export interface ControlMessage {
  readonly kind: ControlKind;
  readonly jws: string;
  /** The monotonic clock when its bytes came in. */
  readonly receivedUs: number;
}

export interface InboxOptions {
  readonly deviceId: string;
  readonly nowUs: () => number;
  readonly refuse: (reason: RefusalReason) => void;
  readonly onControl: (message: ControlMessage) => Promise<void>;
  readonly onAudio: (streamId: string, bytes: Uint8Array) => void;
  /** An answer with a packet that was asked for. */
  readonly onRepair: (bytes: Uint8Array) => void;
  /** A control message broke something that should not break: logged, and the next one is taken. */
  readonly onFailure: (error: unknown, kind: ControlKind) => void;
}

/** Sorts and bounds. */
export class Inbox {
  readonly #options: InboxOptions;
  #waiting: ControlMessage[] = [];
  #waitingBytes = 0;
  #work: Promise<void> | null = null;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  take(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind === 'stream') this.#takeAudio(parsed.streamId, payload);
    else if (parsed?.kind === 'revoked') this.#takeControl('revoked', payload);
    else if (parsed?.kind === 'device' && (isControl(parsed.channel) || parsed.channel === 'repair/res')) {
      if (parsed.deviceId !== this.#options.deviceId) this.#options.refuse('wrong-device');
      else if (parsed.channel === 'repair/res') this.#takeRepair(payload);
      else this.#takeControl(parsed.channel, payload);
    } else this.#options.refuse('malformed');
  }

  /** Resolves once nothing waits. */
  async settled(): Promise<void> {
    while (this.#work !== null) await this.#work;
  }

  #takeAudio(streamId: string, payload: Uint8Array): void {
    if (payload.byteLength > MAX_AUDIO_BYTES) this.#options.refuse('malformed');
    else this.#options.onAudio(streamId, payload);
  }

  #takeRepair(payload: Uint8Array): void {
    if (payload.byteLength > REPAIR_PREFIX_BYTES + MAX_AUDIO_BYTES) this.#options.refuse('malformed');
    else this.#options.onRepair(payload);
  }

  #takeControl(kind: ControlKind, payload: Uint8Array): void {
    if (payload.byteLength > maxBytes[kind]) return this.#options.refuse('malformed');
    const isFull =
      this.#waiting.length >= MAX_WAITING || this.#waitingBytes + payload.byteLength > MAX_WAITING_BYTES;
    if (isFull) return this.#options.refuse('too-many');
    this.#waitingBytes += payload.byteLength;
    const jws = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1');
    this.#waiting.push({ kind, jws, receivedUs: this.#options.nowUs() });
    this.#work ??= this.#workOff();
  }

  async #workOff(): Promise<void> {
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
      this.#waitingBytes -= message.jws.length;
      try {
        await this.#options.onControl(message);
      } catch (error) {
        this.#options.onFailure(error, message.kind);
      }
    }
    this.#work = null;
  }
}

function isControl(channel: string): channel is ControlKind {
  return Object.hasOwn(maxBytes, channel);
}
