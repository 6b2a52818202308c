/**
 * The platform's clock: keeps the line of media time and answers the clock requests of receivers, apart from all other
 * work, so that nothing else makes an answer late. One at a time does it for a data folder; others wait for its end.
 */
import { join } from 'node:path';
import { deviceTopic } from '@loalang/shared';
import type { ClientAuthority } from '@loalang/shared/signing';
import type { Logger } from 'pino';
import { loadClientAuthority, readKeys, type PlatformKeys } from '../keys/index.ts';
import { Link } from '../link/link.ts';
import { ClockExchange } from './clock-exchange.ts';
import { Lead } from './lead.ts';
import { LineKeeper } from './line-keeper.ts';
import { readClocks } from './machine-clocks.ts';
import { MediaClock } from './media-clock.ts';
import { findSynchronised } from './synchronised.ts';

export interface TimeConfig {
  /** The platform's: keys and the line lie in it. */
  readonly dataFolder: string;
  /** `ca` is PEM. */
  readonly broker: { readonly url: string; readonly name: string; readonly ca?: string };
  readonly log: Logger;
  /** Another time service, which the lead of this machine does not know of, has taken the line over. */
  readonly onTaken?: () => void;
}

/** Renewed keys are taken over, and the kernel is asked, this often. */
const TEND_EVERY_MS = 10_000;

export class TimeService {
  readonly #config: TimeConfig;
  readonly #lead: Lead;
  readonly #ended = new AbortController();
  readonly #keeper: LineKeeper;
  readonly #clock: MediaClock;
  #link: Link | null = null;
  #tending: NodeJS.Timeout | null = null;
  #isSynchronised: boolean | null = null;

  constructor(config: TimeConfig) {
    this.#config = config;
    this.#lead = new Lead(config.dataFolder);
    const { dataFolder, log } = config;
    this.#keeper = new LineKeeper({
      dataFolder,
      log,
      read: readClocks,
      after: (ms, fn) => this.#clock.after(ms, fn),
      onTaken: () => this.#taken(),
    });
    this.#clock = new MediaClock(this.#keeper.line);
  }

  /**
   * Waits for the lead, then keeps time. True once it does, false where it was closed before. Throws
   * CONFIGURATION_INVALID where the folder holds no valid keys.
   */
  async start(): Promise<boolean> {
    if (!(await this.#lead.take(this.#ended.signal))) return false;
    await this.#keeper.start();
    const folder = join(this.#config.dataFolder, 'keys');
    const keys = await readKeys(folder, this.#clock.now());
    const clientAuthority = await loadClientAuthority(folder);
    const readSynchronised = await findSynchronised();
    if (this.#ended.signal.aborted) return false;
    this.#tend(keys, readSynchronised);
    this.#answer(keys, clientAuthority);
    this.#config.log.info({ epoch: this.#keeper.line().epoch }, 'keeping media time');
    return true;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    if (this.#tending !== null) clearInterval(this.#tending);
    await this.#link?.close();
    await this.#keeper.close();
    this.#lead.close();
  }

  #answer(keys: PlatformKeys, clientAuthority: ClientAuthority | null): void {
    const { broker, log } = this.#config;
    const { url, ca, name: brokerName } = broker;
    const clock = this.#clock;
    const credentialKey = keys.credential;
    const link = new Link({ role: 'time', url, ca, brokerName, credentialKey, clientAuthority, clock, log });
    const answer = (deviceId: string, jws: string): void =>
      void link.send(deviceTopic(deviceId, 'clock/res'), jws);
    const exchange = new ClockExchange({ clock, key: keys.time, answer });
    link.start({
      'clock/req': (id, payload, at) => {
        exchange.take(id, payload, at).catch((error: unknown) => {
          log.error({ err: error }, 'could not answer a clock request');
        });
      },
    });
    this.#link = link;
  }

  #tend(keys: PlatformKeys, readSynchronised: () => boolean | null): void {
    const { log } = this.#config;
    this.#tellSynchronised(readSynchronised());
    this.#tending = setInterval(() => {
      this.#tellSynchronised(readSynchronised());
      keys
        .renew(this.#clock.now())
        .catch((error: unknown) => log.error({ err: error }, 'could not read the keys'));
    }, TEND_EVERY_MS);
  }

  #tellSynchronised(isSynchronised: boolean | null): void {
    if (isSynchronised === this.#isSynchronised) return;
    this.#isSynchronised = isSynchronised;
    const { log } = this.#config;
    if (isSynchronised === false) log.error('nothing keeps the system clock right: run chrony or the like');
    else log.info({ isSynchronised }, 'the system clock is kept right');
  }

  #taken(): void {
    this.#config.log.fatal('another time service writes into this data folder');
    this.#config.onTaken?.();
  }
}
