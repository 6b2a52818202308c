// What a scene does to the broker's memory and to a healthy client beside it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerProcess } from '../rig/broker-process.ts';
import type { Children } from '../rig/children.ts';
import type { Witness } from '../rig/witness.ts';
import type { Attack } from './attacker.ts';
import { openFrozen } from './frozen.ts';
import { sendPlans } from './plans.ts';

export interface Stage {
  readonly children: Children;
  readonly broker: BrokerProcess;
  readonly witness: Witness;
  /** How many attack. */
  readonly count: number;
  /** How long each half of a scene lasts. */
  readonly halfMs: number;
}

export interface Seen {
  /** Resident memory before, and the most of it in the first and in the second half of the scene. */
  readonly beforeMB: number;
  readonly firstMB: number;
  readonly secondMB: number;
  /** How late a packet of a healthy client was at worst. */
  readonly worstMs: number;
  readonly cpuPercent: number;
}

const LOOK_EVERY_MS = 100;

export const scenes = { frozen, halfOpen, guesses };
export type SceneName = keyof typeof scenes;

/** Receivers that read nothing, while a stream and their plans are sent to them. */
async function frozen(stage: Stage): Promise<Seen> {
  const sockets = await openFrozen(stage.broker, stage.count);
  const ended = new AbortController();
  const plans = sendPlans(stage.broker, stage.count, ended.signal);
  const seen = await watch(stage);
  ended.abort();
  await plans;
  for (const socket of sockets) socket.destroy();
  return seen;
}

/** Connections that begin to sign in and say no more. */
async function halfOpen(stage: Stage): Promise<Seen> {
  return attacked(stage, { kind: 'half-open', connections: stage.count, port: stage.broker.port });
}

/** Sign-ins that fail, as fast as they can be made. */
async function guesses(stage: Stage): Promise<Seen> {
  return attacked(stage, { kind: 'guesses', connections: stage.count, port: stage.broker.port });
}

async function attacked(stage: Stage, attack: Attack): Promise<Seen> {
  const { child } = await stage.children.startOurs('bench/hostile/attacker.ts', {
    ATTACK: JSON.stringify(attack),
  });
  const seen = await watch(stage);
  await stage.children.end(child);
  return seen;
}

async function watch({ broker, witness, halfMs }: Stage): Promise<Seen> {
  await witness.worstMs();
  const beforeMB = broker.usage.rssMB;
  const usage = broker.measure();
  const firstMB = await mostMB(broker, halfMs);
  const secondMB = await mostMB(broker, halfMs);
  return { beforeMB, firstMB, secondMB, worstMs: await witness.worstMs(), cpuPercent: usage.cpuPercent };
}

async function mostMB(broker: BrokerProcess, forMs: number): Promise<number> {
  const until = performance.now() + forMs;
  let most = broker.usage.rssMB;
  while (performance.now() < until) {
    await sleep(LOOK_EVERY_MS);
    most = Math.max(most, broker.usage.rssMB);
  }
  return most;
}
