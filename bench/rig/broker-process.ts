// A broker as it runs in service, in a process of its own, with somebody who tells how it is.
import { AUDIENCE, Authority } from '@loalang/broker/testing';
import { z } from 'zod';
import { hasEnded, type Children, type Ours } from './children.ts';
import { ProcessUsage } from './process-usage.ts';
import { Witness } from './witness.ts';

const readySchema = z.object({ port: z.number(), metricsPort: z.number() });

export class BrokerProcess {
  readonly authority: Authority;
  readonly port: number;
  /** Since it started. */
  readonly usage: ProcessUsage;
  readonly #ours: Ours;
  readonly #metricsUrl: string;

  private constructor(authority: Authority, ours: Ours) {
    const { port, metricsPort } = readySchema.parse(ours.ready);
    this.authority = authority;
    this.port = port;
    this.#ours = ours;
    this.#metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    this.usage = this.measure();
  }

  /** `env`: limits other than the default ones. */
  static async start(children: Children, env: Readonly<Record<string, string>> = {}): Promise<BrokerProcess> {
    const authority = await Authority.create();
    const ours = await children.startOurs('broker/src/main.ts', {
      LOALANG_ROOT_KEY: authority.root.public,
      LOALANG_BROKER_NAME: AUDIENCE,
      LOALANG_BROKER_PORT: '0',
      LOALANG_BROKER_METRICS_PORT: '0',
      LOALANG_LOG_LEVEL: 'silent',
      ...env,
    });
    return new BrokerProcess(authority, ours);
  }

  get hasEnded(): boolean {
    return hasEnded(this.#ours.child);
  }

  /** What it takes from now on. */
  measure(): ProcessUsage {
    return new ProcessUsage(this.#ours.child.pid ?? 0);
  }

  /** A healthy pair of platform and receiver, in a process of its own. */
  async witness(children: Children): Promise<Witness> {
    return Witness.start(children, this.port, this.authority);
  }

  /** The sum of a metric over the labels that `filter` picks. */
  async metric(name: string, filter = ''): Promise<number> {
    const text = await (await fetch(this.#metricsUrl)).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(`loalang_broker_${name}`) && line.includes(filter));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }
}
