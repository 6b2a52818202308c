import {
  ClockExchange,
  DeviceClock,
  type ClockSample,
  type KeptTime,
  type Render,
} from '@loalang/device-agent';
import { mediaTime, type ClockRequest, type ClockResponse } from '@loalang/shared';
import { seededRandom, type Random } from '../random.ts';
import { CardReader, USB_CARD, type CardProfile } from './card-reader.ts';
import { CHEAP_CRYSTAL, Oscillator, type Crystal } from './oscillator.ts';
import { SoundCard, type HeardBlock } from './sound-card.ts';
import { TwinLink, type LinkStory } from './twin-link.ts';
import { VirtualCard } from './virtual-card.ts';
import { BoardClock, VirtualTime } from './virtual-time.ts';

/** What the platform's clock says at true time 0. */
export const EPOCH_US = 1_790_000_000_000_000;
/** A request, and a signed reply, with what MQTT, TLS and TCP put around them. */
const REQUEST_BYTES = 180;
const REPLY_BYTES = 520;
/** The platform verifies nothing and signs once. */
const SERVING_US = 300;
/** A receiver that lost its link tries again within so long. */
const RECONNECT_US = 500_000;

export interface TwinOptions {
  readonly seed: string;
  readonly durationUs: number;
  readonly link: LinkStory;
  /** Parts per million: as `CHEAP_CRYSTAL` where nothing else is said. */
  readonly crystal?: Crystal;
  /** The sound card's own, where it shall differ in kind from the board's. */
  readonly cardCrystal?: Crystal;
  /** Something sounds all the time, or nothing ever does. */
  readonly isSounding: boolean;
  readonly kept?: KeptTime;
  /** `USB_CARD` where nothing else is said. */
  readonly card?: CardProfile;
  readonly blockSamples?: number;
  /** Sound is computed, by this renderer of the receiver's clock, instead of counted. */
  readonly sound?: {
    readonly makeRender: (clock: DeviceClock) => Render;
    readonly onBlock: (block: HeardBlock) => void;
  };
}

/**
 * One receiver of the timing twin: the exchange, the clock, the card's line and the steering of the agent, none of which
 * knows, on a virtual board, card and link, with the truth beside it.
 */
export class TwinReceiver {
  readonly clock: DeviceClock;
  /** Counts; silent where sound is computed. */
  readonly card: VirtualCard;
  readonly #reader: CardReader;
  readonly #soundCard: SoundCard | null;
  readonly #options: TwinOptions;
  readonly #time = new VirtualTime();
  readonly #board: BoardClock;
  readonly #link: TwinLink;
  readonly #exchange: ClockExchange;
  readonly #random: Random;
  /** Replies of an old connection come to nothing. */
  #connection = 0;

  constructor(options: TwinOptions) {
    this.#options = options;
    const { seed, durationUs } = options;
    const crystal = options.crystal ?? CHEAP_CRYSTAL;
    const ofBoard = new Oscillator({ random: seededRandom(`board ${seed}`), durationUs, ...crystal });
    const ofCard = new Oscillator({
      random: seededRandom(`card ${seed}`),
      durationUs,
      ...(options.cardCrystal ?? crystal),
    });
    this.#random = seededRandom(`receiver ${seed}`);
    this.#board = new BoardClock(this.#time, ofBoard);
    this.#link = new TwinLink(options.link, seed);
    this.clock = new DeviceClock({ kept: options.kept ?? null, isSounding: () => options.isSounding });
    const profile = options.card ?? USB_CARD;
    this.#reader = new CardReader({ seed, profile, crystal: ofCard, boardCrystal: ofBoard });
    const cards = { time: this.#time, crystal: ofCard, reader: this.#reader };
    this.card = new VirtualCard({
      ...cards,
      timeline: this.clock,
      blockSamples: options.blockSamples ?? 24_000,
    });
    const { sound } = options;
    this.#soundCard =
      sound === undefined
        ? null
        : new SoundCard({ ...cards, render: sound.makeRender(this.clock), onBlock: sound.onBlock });
    this.#exchange = new ClockExchange({
      clock: this.#board,
      random: () => this.#random.next(),
      send: (request) => this.#send(request),
      onBurst: (samples) => this.#takeBurst(samples),
      isBusy: () => options.isSounding,
    });
  }

  /** True time, the board's monotonic clock. */
  get nowUs(): number {
    return this.#time.nowUs;
  }

  get boardUs(): number {
    return this.#board.nowUs();
  }

  /** How often the line of the card was lost and begun anew. */
  get cardMoves(): number {
    return this.#reader.moves;
  }

  start(): void {
    if (this.#soundCard !== null) this.#soundCard.start();
    else if (this.#options.isSounding) this.card.start();
    for (const { fromUs } of this.#options.link.outages ?? []) {
      this.#time.at(fromUs, () => this.#lose());
    }
    this.#connect();
  }

  /** Something that the platform sends at a true moment, and what the receiver does with it when it comes. */
  deliver(bytes: number, atUs: number, take: () => void): void {
    this.#time.at(atUs, () => {
      this.#time.at(this.#link.downAtUs(bytes, this.#time.nowUs), take);
    });
  }

  runUntil(trueUs: number): void {
    this.#time.runUntil(trueUs);
  }

  /** How far what is heard (or, in silence, would be) is from the truth; null while the hour is not known. */
  errorUs(): number | null {
    const nowUs = this.#time.nowUs;
    const mediaUs =
      this.#options.isSounding && this.#soundCard === null
        ? this.card.heardMediaUs(nowUs)
        : this.clock.toMediaTime(this.#board.nowUs());
    return mediaUs === null ? null : mediaUs - EPOCH_US - nowUs;
  }

  #takeBurst(samples: readonly ClockSample[]): void {
    this.clock.addBurst(samples, this.#board.nowUs());
  }

  #connect(): void {
    const nowUs = this.#time.nowUs;
    if (this.#link.isOutAt(nowUs)) {
      this.#time.at(nowUs + RECONNECT_US * (0.5 + this.#random.next() / 2), () => this.#connect());
      return;
    }
    this.#time.at(this.#link.connectAtUs(nowUs), () => this.#exchange.start());
  }

  #lose(): void {
    this.#connection += 1;
    this.#exchange.stop();
    this.#connect();
  }

  #send(request: ClockRequest): boolean {
    const connection = this.#connection;
    const cameUs = this.#link.upAtUs(REQUEST_BYTES, this.#time.nowUs);
    this.#time.at(cameUs, () => this.#reply(request, connection));
    return true;
  }

  #reply(request: ClockRequest, connection: number): void {
    if (connection !== this.#connection) return;
    const t2 = Math.round(EPOCH_US + this.#time.nowUs);
    const reply: ClockResponse = {
      type: 'clock',
      device: 'd-twin',
      nonce: request.nonce,
      t1: request.t1,
      t2: mediaTime(t2),
      t3: mediaTime(t2 + SERVING_US),
    };
    const backUs = this.#link.downAtUs(REPLY_BYTES, this.#time.nowUs + SERVING_US);
    this.#time.at(backUs, () => {
      if (connection === this.#connection) this.#exchange.take(reply, this.#board.nowUs());
    });
  }
}
