import { writeResult } from '../measure/result-file.ts';

export interface StormRound {
  /** From the kill to the last receiver that is online with its plan. */
  readonly backWithinS: number;
  readonly halfBackS: number;
  /** Of the broker, from its start to that moment, for each receiver. */
  readonly cpuMsEach: number;
  readonly connectionsEach: number;
}

interface StormResult {
  readonly figures: Readonly<Record<string, number>>;
  readonly rounds: Readonly<Record<'ours' | 'mosquitto', readonly StormRound[]>>;
}

/** Writes `bench/results/storm.md`. */
export function writeStormResult({ figures, rounds }: StormResult): void {
  const row = (field: string, name: keyof typeof rounds, figure: keyof StormRound): string[] => {
    const all = rounds[name].map((round) => round[figure]);
    return [
      field,
      (figures[field] ?? NaN).toFixed(2),
      `${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)}`,
    ];
  };
  writeResult({
    name: 'storm',
    command: `npm run -s bench -- storm --receivers ${figures['receivers']} --runs ${figures['runs']} --write`,
    method: [
      'The broker is killed (SIGKILL) when all receivers have been in for 35 s, and started again on the same port 1 s later,',
      'ours and Debian’s mosquitto in turns. Platform with its own PostgreSQL, 1 process; receivers, 2 processes: the agent’s',
      'own link with its waits, a signed status at each coming back, the plan’s signature checked. Mosquitto knows neither our',
      'credentials nor our rights (`allow_anonymous`); both are given the same CONNECT. Counted from the kill to the last',
      'receiver that is online and holds its plan from this connection; CPU: user and system time of the broker from the moment',
      'that it takes connections to then, with the publishing of all retained states, for each receiver. Everything on one machine.',
    ].join('\n'),
    table: [
      ['field', 'median', 'spread of the runs'],
      row('backWithinS', 'ours', 'backWithinS'),
      row('halfBackS', 'ours', 'halfBackS'),
      row('connectionsEach', 'ours', 'connectionsEach'),
      row('cpuMsEach', 'ours', 'cpuMsEach'),
      row('mosquittoBackWithinS', 'mosquitto', 'backWithinS'),
      row('mosquittoCpuMsEach', 'mosquitto', 'cpuMsEach'),
    ],
    plots: {},
  });
}
