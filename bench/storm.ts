// The broker is killed under a province of receivers: how long until all are back, each with its plan, beside mosquitto.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { median, report } from './measure/report.ts';
import { ProcessUsage } from './rig/process-usage.ts';
import type { KillableBroker } from './storm/brokers.ts';
import { writeStormResult, type StormRound } from './storm/result.ts';
import { withStormRig, type StormRig } from './storm/rig.ts';

/** As long as a supervisor waits before it starts the broker again. */
const RESTART_AFTER_MS = 1_000;
/** A connection that has lasted half a minute was a good one, to the agent; before that it is slower to come back. */
const QUIET_MS = 35_000;
const BACK_WITHIN_MS = 300_000;

const { values } = parseArgs({
  options: {
    receivers: { type: 'string', default: '2000' },
    runs: { type: 'string', default: '3' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const receivers = Number(values.receivers);
const rounds: Record<KillableBroker['name'], StormRound[]> = { ours: [], mosquitto: [] };

await withStormRig(receivers, async (rig) => {
  for (let run = 1; run <= Number(values.runs); run += 1) {
    for (const broker of [rig.ours, rig.mosquitto]) {
      const round = await storm(rig, broker);
      rounds[broker.name].push(round);
      console.error(`run ${run} ${broker.name}: ${JSON.stringify(round)}`);
    }
  }
});

const middle = (name: KillableBroker['name'], figure: keyof StormRound): number =>
  median(rounds[name].map((round) => round[figure]));
const figures = {
  receivers,
  runs: rounds.ours.length,
  backWithinS: middle('ours', 'backWithinS'),
  halfBackS: middle('ours', 'halfBackS'),
  connectionsEach: middle('ours', 'connectionsEach'),
  cpuMsEach: middle('ours', 'cpuMsEach'),
  mosquittoBackWithinS: middle('mosquitto', 'backWithinS'),
  mosquittoCpuMsEach: middle('mosquitto', 'cpuMsEach'),
};
if (values.write) writeStormResult({ figures, rounds });
report('storm', figures);

/** Everybody in, then the broker is killed and started again; counted from the kill on. */
async function storm(rig: StormRig, broker: KillableBroker): Promise<StormRound> {
  const first = await broker.start();
  await rig.fleets.allBack(BACK_WITHIN_MS);
  await sleep(QUIET_MS);
  const connectionsBefore = rig.fleets.connections;
  const killedMs = performance.now();
  const since = (): number => (performance.now() - killedMs) / 1_000;
  await rig.kill(first);
  await sleep(RESTART_AFTER_MS);
  const second = await broker.start();
  const usage = new ProcessUsage(second.pid ?? 0);
  await rig.fleets.backAtLeast(receivers / 2, BACK_WITHIN_MS);
  const halfBackS = since();
  await rig.fleets.allBack(BACK_WITHIN_MS);
  const backWithinS = since();
  const cpuMsEach = usage.cpuMs / receivers;
  const connectionsEach = (rig.fleets.connections - connectionsBefore) / receivers;
  await rig.kill(second);
  return { backWithinS, halfBackS, cpuMsEach, connectionsEach };
}
