import { median } from '../measure/report.ts';
import { writeResult } from '../measure/result-file.ts';
import type { Round } from './contest.ts';
import type { ContestantName } from './contestants.ts';
import { loadName, ratio, type FanoutFigures, type Measured } from './figures.ts';

const titles: Record<ContestantName, string> = {
  send: 'Loa Làng, `send`',
  'socket-write': 'Loa Làng, `socket-write`',
  stock: 'Aedes as it is',
  mosquitto: 'mosquitto',
  bare: 'a bare loop of `socket.write`, no broker',
  tls: 'Loa Làng with TLS of its own',
  haproxy: 'Loa Làng, `send`, TLS in HAProxy (both counted)',
};

/** Writes `bench/results/fanout.md`. */
export function writeFanoutResult(result: {
  measured: readonly Measured[];
  figures: FanoutFigures;
  seconds: number;
  rounds: number;
}): void {
  const { measured, figures, seconds, rounds } = result;
  const bytes = median(everyRound(measured).map(({ packetBytes }) => packetBytes));
  writeResult({
    name: 'fanout',
    command: `npm run -s bench -- fanout --seconds ${seconds} --rounds ${rounds} --write`,
    method: [
      `Broker, speaker and receivers on one machine, over its loopback. At each load all brokers run with all their receivers`,
      `connected and speak in turns, ${rounds} rounds of ${seconds} s after 2 s of warming up, each round begun by another.`,
      `Packets: real ones, three Opus frames of speech at 24 kb/s, signed, at QoS 0: ${Math.round(bytes)} bytes each with topic and header.`,
      'CPU: user and system time of the broker’s process from /proc, for each packet that arrived within those seconds.',
      'Late: from the moment at which the speaker should have sent it until a raw socket in another process had it. Missing:',
      'had not come when nothing more came. Ours checks credentials, tokens and rights; the others let everybody in. All send',
      'without Nagle’s algorithm. Median of the rounds and their spread; ratios are of the rounds played together.',
      'Receivers with TLS take more of the machine than the broker: only where it is not busy with them otherwise, and late is theirs.',
      `Geometric means over the loads: \`send\` does ${figures.oursVsMosquitto.toFixed(2)} times mosquitto's deliveries for the same processor time and`,
      `${figures.oursVsStock.toFixed(2)} times those of Aedes as it is; \`socket-write\` ${figures.tableVsStock.toFixed(2)} times those of Aedes as it is.`,
    ].join('\n'),
    table: [
      ['load', 'broker', 'CPU us', 'of mosquitto', 'delivered/s', 'p50 ms', 'p99 ms', 'missing %'],
      ...measured.flatMap(rowsOf),
    ],
    plots: {},
  });
}

function everyRound(measured: readonly Measured[]): Round[] {
  return measured.flatMap(({ results }) => [...results.values()].flat());
}

function rowsOf({ load, results }: Measured): string[][] {
  const mosquitto = results.get('mosquitto') ?? [];
  return [...results].map(([name, rounds]) => [
    loadName(load),
    titles[name],
    spread(rounds, ({ cpuUs }) => cpuUs, 2),
    (1 / ratio(rounds, mosquitto)).toFixed(2),
    spread(rounds, ({ deliveredPerSecond }) => deliveredPerSecond, 0),
    spread(rounds, ({ p50Ms }) => p50Ms, 1),
    spread(rounds, ({ p99Ms }) => p99Ms, 1),
    spread(rounds, ({ missingPercent }) => missingPercent, 2),
  ]);
}

function spread(rounds: readonly Round[], figure: (round: Round) => number, digits: number): string {
  const all = rounds.map(figure);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return `${median(all).toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}
