import { writeResult } from '../measure/result-file.ts';
import type { MemoryStory } from './memory-slope.ts';

export interface Usage {
  readonly cpuPercent: number;
  readonly rssMB: number;
}

/** One player of each kind, measured one after the other. */
export interface Round {
  readonly idle: Usage;
  readonly playing: Usage;
  readonly snapcast: Usage;
}

export interface AgentResult {
  readonly rounds: readonly Round[];
  readonly figures: {
    readonly seconds: number;
    readonly runs: number;
    readonly hours: number;
    readonly cpuPercent: number;
    readonly playingCpuPercent: number;
    readonly idleCpuPercent: number;
    readonly snapcastCpuPercent: number;
    readonly rssMB: number;
    readonly snapcastRssMB: number;
    readonly slopeMBPerHour: number;
    readonly decodeVsNodeOpus: number;
  };
  readonly memory: MemoryStory;
}

/** Writes `bench/results/agent.md` with a plot of the memory. */
export function writeAgentResult({ rounds, figures, memory }: AgentResult): void {
  const { seconds, runs, hours } = figures;
  const beyondIdle = rounds.map(({ idle, playing }) => playing.cpuPercent - idle.cpuPercent);
  const row = (field: string, figure: number, spread: readonly number[]): string[] => [
    field,
    figure.toFixed(3),
    spread.length === 0 ? '' : `${Math.min(...spread).toFixed(3)} to ${Math.max(...spread).toFixed(3)}`,
  ];
  writeResult({
    name: 'agent',
    command: `npm run -s bench -- agent --seconds ${seconds} --runs ${runs} --hours ${hours} --write`,
    method: [
      'Two whole agents (real broker, ALSA, virtual cards), with one live stream and idle after it, and two Snapcast clients, in',
      `turns; user and system time of all their threads over ${seconds} s, of one player. Memory: ${hours} hours of a live`,
      'stream through signature check, jitter buffer, decoder, concealment, mixer and resampler (card 50 ppm off) on virtual',
      'time in a process of its own, read after a forced collection each ten minutes of audio; the slope is the median of',
      'those of all pairs (Theil-Sen) after the first tenth. Link, clock exchange, store and card are not in that process.',
      'Decoding: the same frames through libopus-wasm and node-opus, in turns.',
    ].join('\n'),
    table: [
      ['field', 'median', 'spread of the runs'],
      row('`cpuPercent` (beyond an idle agent)', figures.cpuPercent, beyondIdle),
      row(
        'the same, all of it',
        figures.playingCpuPercent,
        rounds.map(({ playing }) => playing.cpuPercent),
      ),
      row(
        'idle agent, % of a core',
        figures.idleCpuPercent,
        rounds.map(({ idle }) => idle.cpuPercent),
      ),
      row(
        '`snapcastCpuPercent` (all of it)',
        figures.snapcastCpuPercent,
        rounds.map((each) => each.snapcast.cpuPercent),
      ),
      row(
        '`rssMB`',
        figures.rssMB,
        rounds.map(({ playing }) => playing.rssMB),
      ),
      row(
        'Snapcast, MB',
        figures.snapcastRssMB,
        rounds.map((each) => each.snapcast.rssMB),
      ),
      row('`slopeMBPerHour`', figures.slopeMBPerHour, []),
      row('`decodeVsNodeOpus`', figures.decodeVsNodeOpus, []),
    ],
    plots: {
      'agent-memory': {
        title: `Memory over ${hours} hours of audio`,
        xLabel: 'hours of audio',
        yLabel: 'MB',
        lines: [
          { name: 'resident', points: memory.samples.map(({ atHours, rssMB }) => [atHours, rssMB]) },
          {
            name: 'heap and buffers',
            points: memory.samples.map(({ atHours, heapMB }) => [atHours, heapMB]),
          },
        ],
      },
    },
  });
}
