// `npm run fuzz [-- --seconds 60] [--seed 1] [--replay FILE]`
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { deviceId } from '@loalang/broker/testing';
import { BrokerProcess } from '../../bench/rig/broker-process.ts';
import { Children } from '../../bench/rig/children.ts';
import { fuzz } from './fuzz.ts';
import { readSaid } from './recent.ts';
import { Holders, talk } from './talk.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
    'failure-file': { type: 'string', default: 'fuzz-failure.jsonl' },
  },
});

if (values.replay !== undefined) await replay(values.replay);
else await run();

async function run(): Promise<void> {
  const { seed, 'failure-file': failureFile } = values;
  const seconds = Number(values.seconds);
  const result = await fuzz({ seed, seconds, failureFile });
  const { sent, read, connections, worstMs, beforeMB, afterMB, residentMB, failure } = result;
  console.log(
    `fuzz: seed ${seed}, ${seconds} s: ${sent} mutated packets sent on ${connections} connections, ` +
      `${read} packets read by the broker; a healthy client at most ${Math.round(worstMs)} ms late; ` +
      `memory in use ${Math.round(beforeMB)} → ${Math.round(afterMB)} MB, resident ${Math.round(residentMB)} MB`,
  );
  if (failure === null) return;
  console.error(
    `fuzz: ${failure}. What was said last: ${failureFile}; again: npm run fuzz -- --replay ${failureFile}`,
  );
  process.exitCode = 1;
}

/** Says it all again, one connection after the other, and says after which the broker ended. */
async function replay(file: string): Promise<void> {
  const children = new Children();
  const broker = await BrokerProcess.start(children);
  const witness = await broker.witness(children);
  const holders = new Holders(broker.authority, deviceId);
  for (const { role, id, seed, bytes } of readSaid(await readFile(file, 'utf8'))) {
    const holder = role === 'stranger' ? null : await holders.as(id, role);
    await talk(broker.port, holder, bytes);
    const worstMs = await witness.worstMs();
    console.log(
      `${role} ${seed}: ${broker.hasEnded ? 'the broker has ended' : `${Math.round(worstMs)} ms late`}`,
    );
    if (broker.hasEnded) break;
  }
  await children.close();
}
