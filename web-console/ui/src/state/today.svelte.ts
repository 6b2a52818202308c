// "Hôm nay": one whole Today at a time, pushed by the server. When the socket is lost the last one stays, dated, and live
// acts are not offered.
import type { Device, Today } from '@loalang/shared';
import { api, readAnswer, socketUrl } from '../api.ts';
import { inOrder } from '../broadcasts/weave.ts';
import { areOneUnit } from '../devices/device-name.ts';
import { backoffMs } from './backoff.ts';
import { clock } from './clock.svelte.ts';

/** A blink of the network is not worth a bar across the page. */
const GRACE_MS = 3000;
/** Without a word for so long, the connection is tried by a request: a dead one may look open for minutes. */
const QUIET_MS = 40_000;

class TodayStore {
  value = $state.raw<Today | null>(null);
  /** Media time since when the server is out of reach; null while it is not. */
  lostAt = $state<number | null>(null);
  /** Set where the very first answer failed. */
  firstFailure = $state<string | null>(null);

  readonly devices: readonly Device[] = $derived(inOrder(this.value?.devices ?? []));
  readonly deviceById: ReadonlyMap<string, Device> = $derived(
    new Map(this.devices.map((device) => [device.id, device])),
  );
  readonly isOneUnit: boolean = $derived(areOneUnit(this.devices));
  readonly isOffline: boolean = $derived(this.lostAt !== null);

  #socket: WebSocket | null = null;
  #failures = 0;
  #isOpen = false;
  #retryTimer = 0;
  #graceTimer = 0;
  #quietTimer = 0;

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#failures = 0;
    window.addEventListener('online', this.#retryNow);
    window.addEventListener('offline', this.#drop);
    void this.refresh();
    this.#connect();
  }

  close(): void {
    this.#rest();
    this.value = null;
    this.firstFailure = null;
  }

  /** Asks no more until it is opened again, and keeps what is known: the session has ended, the network is well. */
  #rest(): void {
    this.#isOpen = false;
    window.removeEventListener('online', this.#retryNow);
    window.removeEventListener('offline', this.#drop);
    [this.#retryTimer, this.#graceTimer, this.#quietTimer].forEach((timer) => window.clearTimeout(timer));
    this.#graceTimer = 0;
    this.#socket?.close();
    this.#socket = null;
    this.lostAt = null;
  }

  /** Asks once, beside what is pushed. */
  async refresh(): Promise<void> {
    const failure = await this.#ask();
    if (failure === 'OFFLINE' && this.value !== null) this.#drop();
  }

  /** Asks, takes what comes, and returns the code of a failure. */
  async #ask(): Promise<string | null> {
    const answer = await api.today();
    if (!this.#isOpen) return null;
    if (answer.ok) {
      this.#take(answer.value);
      return null;
    }
    if (answer.failure.code === 'SIGN_IN_REQUIRED') this.#rest();
    else if (this.value === null) this.firstFailure = answer.failure.message;
    return answer.failure.code;
  }

  #connect(): void {
    const socket = new WebSocket(socketUrl('/api/today/events'));
    this.#socket = socket;
    socket.addEventListener('open', () => clock.forget());
    socket.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (typeof event.data !== 'string') return;
      this.#failures = 0;
      this.#take(readAnswer<Today>(event.data));
    });
    socket.addEventListener('close', () => {
      if (this.#socket !== socket) return;
      this.#lost();
      // The browser does not tell why a socket was refused; a request does, and an ended session is no lost network.
      void this.#ask();
    });
  }

  #take(today: Today): void {
    if (this.value !== null && today.at < this.value.at) return;
    this.value = today;
    this.firstFailure = null;
    this.lostAt = null;
    clock.set(today.at);
    window.clearTimeout(this.#graceTimer);
    this.#graceTimer = 0;
    window.clearTimeout(this.#quietTimer);
    this.#quietTimer = window.setTimeout(() => void this.refresh(), QUIET_MS);
  }

  #lost(): void {
    this.#socket = null;
    if (!this.#isOpen) return;
    if (this.#graceTimer === 0 && this.lostAt === null) {
      const since = clock.read();
      this.#graceTimer = window.setTimeout(() => (this.lostAt = since), GRACE_MS);
    }
    window.clearTimeout(this.#retryTimer);
    this.#retryTimer = window.setTimeout(this.#retryNow, backoffMs(this.#failures, Math.random()));
    this.#failures += 1;
  }

  readonly #retryNow = (): void => {
    window.clearTimeout(this.#retryTimer);
    if (this.#isOpen && this.#socket === null) this.#connect();
  };

  readonly #drop = (): void => {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#lost();
  };
}

export const today = new TodayStore();
