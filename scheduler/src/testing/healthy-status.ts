import type { Status } from '@loalang/shared';

/** What a receiver says that has nothing to complain of, with the differences given. */
export function healthyStatus(
  who: Pick<Status, 'device' | 'session' | 'seq' | 'at'>,
  difference: Partial<Status> = {},
): Status {
  return {
    type: 'status',
    ...who,
    version: 'test',
    clock: { state: 'in-step', offsetUs: 0, uncertaintyUs: 900, ageMs: 100 },
    plan: null,
    now: null,
    cached: [],
    playing: null,
    bufferMs: null,
    isRealTime: null,
    volume: 100,
    isMuted: false,
    board: {
      temperatureC: 41,
      diskFreeMB: 900,
      memoryFreeMB: 300,
      network: '4g',
      signalBars: 3,
      hasMains: true,
      isAmplifierOn: false,
      amplifierA: null,
    },
    faults: [],
    refused: {},
    ...difference,
  };
}
