import type { Logger } from 'pino';
import type { Clock, Timer } from '@loalang/scheduler';
import { LoaLangError, type Person } from '@loalang/shared';
import { errorAnswers, type App } from './http/app.ts';
import type { Platform } from './platform.ts';
import type { SessionWatch } from './sessions/session-watch.ts';
import { personOf } from './sessions/visitor.ts';

/** Changes come in bursts (a broadcast starts on 200 receivers); one state tells of them all. */
const SHORTEST_GAP_MS = 300;
/** A page shows how old its data is, so that silence must mean that something is broken. */
const LONGEST_GAP_MS = 10_000;
/** A page that took nothing in for so long is gone, even where its TCP connection does not know. */
const STUCK_AFTER_MS = 60_000;
/** A browser opens one; more than this on one server is somebody trying. */
const MAX_SOCKETS = 2_000;

/** The session ended: the page asks to sign in instead of connecting again. */
export const SESSION_ENDED_CLOSE_CODE = 4401;

interface FeedSource {
  readonly broadcasts: Pick<Platform['broadcasts'], 'today'>;
  onChange(listener: () => void): () => void;
}

/** What the feed needs of a socket. */
export interface Page {
  readonly bufferedAmount: number;
  send(text: string): void;
  terminate(): void;
  once(event: 'close', listener: () => void): unknown;
}

interface Watcher {
  readonly socket: Page;
  lastTakenMs: number;
}

/** One computation for all who look after the same unit. */
interface Channel {
  readonly person: Person;
  readonly watchers: Set<Watcher>;
  timer: Timer | null;
  /** When the timer fires; null where none runs. */
  dueAtMs: number | null;
  lastSentMs: number;
  isComputing: boolean;
  hasChanged: boolean;
}

/** Sends "Hôm nay" whole to every page that watches, at each change and at least every ten seconds. */
export class TodayFeed {
  readonly #platform: FeedSource;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #channels = new Map<string, Channel>();
  #unsubscribe: (() => void) | null = null;
  #socketCount = 0;

  constructor(parts: { platform: FeedSource; clock: Clock; log: Logger }) {
    this.#platform = parts.platform;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  start(): void {
    this.#unsubscribe ??= this.#platform.onChange(() => {
      for (const channel of this.#channels.values()) this.#touch(channel);
    });
  }

  close(): void {
    this.#unsubscribe?.();
    for (const channel of this.#channels.values()) channel.timer?.cancel();
    this.#channels.clear();
  }

  /** Whether one page more may watch. */
  get hasRoom(): boolean {
    return this.#socketCount < MAX_SOCKETS;
  }

  /** Sends states to a socket until it closes; the first as soon as it is known. */
  watch(person: Person, socket: Page): void {
    const channel = this.#channelOf(person);
    const watcher: Watcher = { socket, lastTakenMs: this.#nowMs() };
    channel.watchers.add(watcher);
    this.#socketCount += 1;
    socket.once('close', () => {
      this.#socketCount -= 1;
      channel.watchers.delete(watcher);
      if (channel.watchers.size > 0) return;
      channel.timer?.cancel();
      this.#channels.delete(person.unit.id);
    });
    this.#touch(channel);
  }

  #channelOf(person: Person): Channel {
    const known = this.#channels.get(person.unit.id);
    if (known !== undefined) return known;
    const channel: Channel = {
      person,
      watchers: new Set(),
      timer: null,
      dueAtMs: null,
      lastSentMs: -Infinity,
      isComputing: false,
      hasChanged: false,
    };
    this.#channels.set(person.unit.id, channel);
    return channel;
  }

  /** Something changed: the next state goes out soon, and never sooner than the gap after the last. */
  #touch(channel: Channel): void {
    if (channel.isComputing) {
      channel.hasChanged = true;
      return;
    }
    this.#scheduleAt(channel, Math.max(this.#nowMs(), channel.lastSentMs + SHORTEST_GAP_MS));
  }

  #scheduleAt(channel: Channel, atMs: number): void {
    if (channel.dueAtMs !== null && channel.dueAtMs <= atMs) return;
    channel.timer?.cancel();
    channel.dueAtMs = atMs;
    channel.timer = this.#clock.after(Math.max(0, atMs - this.#nowMs()), () => void this.#refresh(channel));
  }

  async #refresh(channel: Channel): Promise<void> {
    channel.timer = null;
    channel.dueAtMs = null;
    channel.isComputing = true;
    channel.hasChanged = false;
    try {
      const today = await this.#platform.broadcasts.today(channel.person);
      this.#send(channel, JSON.stringify(today));
    } catch (error) {
      this.#log.error({ err: error }, 'today could not be computed');
    }
    channel.isComputing = false;
    channel.lastSentMs = this.#nowMs();
    if (channel.watchers.size === 0) return;
    if (channel.hasChanged) this.#touch(channel);
    else this.#scheduleAt(channel, channel.lastSentMs + LONGEST_GAP_MS);
  }

  /** A page that has not taken the last state in skips this one: states replace each other, so nothing queues. */
  #send(channel: Channel, text: string): void {
    const nowMs = this.#nowMs();
    for (const watcher of channel.watchers) {
      if (watcher.socket.bufferedAmount === 0) {
        watcher.lastTakenMs = nowMs;
        watcher.socket.send(text);
      } else if (nowMs - watcher.lastTakenMs > STUCK_AFTER_MS) {
        watcher.socket.terminate();
      }
    }
  }

  #nowMs(): number {
    return this.#clock.now() / 1000;
  }
}

/** `GET /api/today/events`. */
export function addTodaySocket(app: App, parts: { feed: TodayFeed; sessions: SessionWatch }): void {
  app.route({
    method: 'GET',
    url: '/api/today/events',
    schema: {
      summary: 'WebSocket: `Today` whole, at once, at each change and at least every 10 seconds',
      response: errorAnswers,
    },
    preValidation: async () => {
      if (!parts.feed.hasRoom) throw new LoaLangError('TOO_MANY_REQUESTS', { seconds: 60 });
    },
    handler: async () => {
      throw new LoaLangError('INPUT_INVALID', { field: 'upgrade' });
    },
    wsHandler: (socket, request) => {
      const { person, sessionToken } = personOf(request);
      const unwatch = parts.sessions.watch(sessionToken, () => socket.close(SESSION_ENDED_CLOSE_CODE));
      socket.once('close', unwatch);
      parts.feed.watch(person, socket);
    },
  });
}
