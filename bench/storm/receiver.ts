import { planSchema, type MediaTime } from '@loalang/shared';
import {
  makeToken,
  readSigningKey,
  signJws,
  type SigningKey,
  type TrustStore,
} from '@loalang/shared/signing';
import { pino } from 'pino';
import { systemClock } from '../../device-agent/src/clock/index.ts';
import { BrokerLink } from '../../device-agent/src/link/broker-link.ts';
import { healthyStatus } from '../../scheduler/src/testing/healthy-status.ts';
import { BROKER_NAME } from './brokers.ts';
import type { Member } from './messages.ts';

/**
 * The part of a receiver that a broker sees: the agent's own link with its waits, a signed status at each coming back,
 * the plan checked. No clock exchange and no sound: two thousand of those do not fit on one machine.
 */
export class StormReceiver {
  readonly #link: BrokerLink;
  readonly #deviceId: string;
  readonly #key: SigningKey;
  readonly #trust: TrustStore;
  #seq = 0;
  #hasPlan = false;
  connections = 0;

  constructor(member: Member, place: { brokerUrl: string; trust: TrustStore; now: () => MediaTime }) {
    this.#deviceId = member.deviceId;
    this.#key = readSigningKey(member.privateKey);
    this.#trust = place.trust;
    this.#link = new BrokerLink({
      url: () => place.brokerUrl,
      tls: () => ({ key: member.privateKey }),
      deviceId: member.deviceId,
      clock: systemClock,
      random: Math.random,
      log: pino({ level: 'silent' }),
      credentials: async () => ({
        userName: member.credential,
        password: await makeToken(this.#key, {
          id: member.deviceId,
          audience: BROKER_NAME,
          now: place.now(),
        }),
      }),
      onOnline: async () => this.#report(place.now()),
      onOffline: () => (this.#hasPlan = false),
      onMessage: (topic, payload) => {
        if (topic.endsWith('/plan')) void this.#takePlan(Buffer.from(payload).toString());
      },
      onRefused: () => undefined,
    });
  }

  /** Online, and with its plan from this connection. */
  get isBack(): boolean {
    return this.#link.isOnline && this.#hasPlan;
  }

  start(): void {
    this.#link.start();
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  async #report(now: MediaTime): Promise<void> {
    this.connections += 1;
    this.#seq += 1;
    const { session } = this.#link;
    const status = healthyStatus({ device: this.#deviceId, session, seq: this.#seq, at: now });
    await this.#link.publish('status', await signJws(status, this.#key), 1);
  }

  async #takePlan(jws: string): Promise<void> {
    const { session } = this.#link;
    const plan = await this.#trust.verify(jws, { purpose: 'plan', schema: planSchema, now: null });
    const isMine = plan.ok && plan.payload.device === this.#deviceId;
    if (isMine && session === this.#link.session) this.#hasPlan = true;
  }
}
