import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Children } from '../rig/children.ts';
import { fleetCountSchema, type FleetCount, type FleetOrder, type Member } from './messages.ts';

/** So many that none of the processes is what is waited for. */
const FLEETS = 2;
const LOOK_MS = 50;

/** The receivers, in some processes. */
export class Fleets {
  readonly #children: Children;
  readonly #counts = new Map<ChildProcess, FleetCount>();
  #size = 0;

  constructor(children: Children) {
    this.#children = children;
  }

  /** Connections that all of them have had so far. */
  get connections(): number {
    return this.#sum(({ connections }) => connections);
  }

  async start(members: readonly Member[], place: Omit<FleetOrder, 'members'>): Promise<void> {
    this.#size = members.length;
    for (let fleet = 0; fleet < FLEETS; fleet += 1) {
      const { child } = await this.#children.startOurs('bench/storm/fleet.ts', {});
      child.on('message', (message) => this.#counts.set(child, fleetCountSchema.parse(message)));
      const order: FleetOrder = { ...place, members: members.filter((_, index) => index % FLEETS === fleet) };
      child.send(order);
    }
  }

  async allBack(withinMs: number): Promise<void> {
    await this.backAtLeast(this.#size, withinMs);
  }

  async backAtLeast(count: number, withinMs: number): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (this.#back < count) {
      if (performance.now() > endMs) throw new Error(`only ${this.#back} of ${this.#size} came back`);
      await sleep(LOOK_MS);
    }
  }

  get #back(): number {
    return this.#sum(({ back }) => back);
  }

  #sum(figure: (count: FleetCount) => number): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + figure(count), 0);
  }
}
