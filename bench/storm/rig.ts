import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Children, hasEnded } from '../rig/children.ts';
import { freePort, Mosquitto, OurBroker, type KillableBroker } from './brokers.ts';
import { Fleets } from './fleets.ts';
import { Province } from './province.ts';

export interface StormRig {
  readonly ours: KillableBroker;
  readonly mosquitto: KillableBroker;
  readonly fleets: Fleets;
  /** As a power cut does it. Resolves when the process is gone. */
  kill(broker: ChildProcess): Promise<void>;
}

/** Lends a platform, its receivers and two brokers that can be killed, and takes everything down again. */
export async function withStormRig(receivers: number, work: (rig: StormRig) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'loalang-bench-'));
  const children = new Children();
  const province = new Province(receivers);
  const close = async (): Promise<void> => {
    await children.close();
    await province.close();
    await rm(folder, { recursive: true, force: true });
  };
  const interrupt = (): void => {
    void close().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  try {
    const port = await freePort();
    const brokerUrl = `mqtt://127.0.0.1:${port}`;
    await province.start(join(folder, 'platform'), brokerUrl);
    const members = await province.join();
    const { rootKey } = province;
    const fleets = new Fleets(children);
    await fleets.start(members, { brokerUrl, rootKey });
    const ours = new OurBroker({ children, port, rootKey });
    await work({ ours, mosquitto: new Mosquitto({ children, port, folder }), fleets, kill });
  } finally {
    await close();
  }
}

async function kill(broker: ChildProcess): Promise<void> {
  if (hasEnded(broker)) return;
  const ended = once(broker, 'exit');
  broker.kill('SIGKILL');
  await ended;
}
