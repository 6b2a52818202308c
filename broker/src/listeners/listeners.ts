import type { Logger } from 'pino';
import { CertificatePair, type CertificateFiles } from './certificate-pair.ts';
import type { Gatekeeper, ListenerSettings, Opener } from './listener.ts';
import { plainOpener, TlsOpener } from './openers.ts';
import { PortListener, type HandshakeBounds, type Variables } from './port-listener.ts';
import { WebSocketOpener } from './websocket-opener.ts';

export interface ListenersOptions {
  /** The first is the plain one, which is always there. */
  readonly settings: readonly [ListenerSettings, ...ListenerSettings[]];
  /** Null where no listener speaks TLS. */
  readonly certificate: CertificateFiles | null;
  readonly gate: Gatekeeper;
  readonly bounds: HandshakeBounds;
  readonly log: Logger;
}

/** A listener that listens. */
export interface OpenListener {
  /** `mqtt`, `mqtts`, `ws` or `wss`. */
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
}

const FIRST: Variables = { host: 'LOALANG_BROKER_HOST', port: 'LOALANG_BROKER_PORT' };
const FURTHER: Variables = { host: 'LOALANG_BROKER_LISTEN', port: 'LOALANG_BROKER_LISTEN' };

/** All places where connections come in. */
export class Listeners {
  readonly #settings: ListenersOptions['settings'];
  readonly #pair: CertificatePair | null;
  readonly #listeners: readonly PortListener[];

  constructor({ settings, certificate, gate, bounds, log }: ListenersOptions) {
    this.#settings = settings;
    this.#pair = certificate === null ? null : new CertificatePair(certificate, log);
    this.#listeners = settings.map(
      (each, index) =>
        new PortListener({
          settings: each,
          variables: index === 0 ? FIRST : FURTHER,
          opener: this.#openerOf(each),
          gate,
          bounds,
        }),
    );
  }

  /** Resolves once all listen, in the order of the settings. */
  async start(): Promise<[OpenListener, ...OpenListener[]]> {
    await this.#pair?.start();
    const [first, ...further] = await this.#startAll();
    if (first === undefined) throw new Error('a broker listens somewhere');
    return [first, ...further];
  }

  /** Takes the certificate anew, where its files have changed. */
  async reloadCertificate(): Promise<void> {
    await this.#pair?.reload();
  }

  /** Takes no more connections. Those that are MQTT already are their owner's to end. */
  async close(): Promise<void> {
    for (const listener of this.#listeners) await listener.close();
    await this.#pair?.close();
  }

  async #startAll(): Promise<OpenListener[]> {
    const open: OpenListener[] = [];
    for (const [index, listener] of this.#listeners.entries()) {
      const settings = this.#settings[index];
      if (settings === undefined) continue;
      open.push({ scheme: schemeOf(settings), host: settings.host, port: await listener.start() });
    }
    return open;
  }

  #openerOf({ transport, isTls }: ListenerSettings): Opener {
    const below = isTls ? this.#tlsOpener() : plainOpener;
    return transport === 'websocket' ? new WebSocketOpener(below) : below;
  }

  #tlsOpener(): Opener {
    if (this.#pair === null) throw new Error('TLS without a certificate');
    return new TlsOpener(this.#pair);
  }
}

function schemeOf({ transport, isTls }: ListenerSettings): string {
  const name = transport === 'websocket' ? 'ws' : 'mqtt';
  return isTls ? `${name}s` : name;
}
