/**
 * Which latency live streams should have: from what receivers say of the last streams, one of three settings is
 * recommended. The same for all receivers of a stream, so that neighbours stay in step.
 */
import { latenessSchema, type Lateness } from '@loalang/shared';
import { parseJson } from '../link/index.ts';

/**
 * How long after its capture a word is heard, ms; nhanh, cân bằng, chắc chắn. Over recordings of LTE the latency that in
 * hindsight loses 0.1 % of packets lies between 0.8 and 1.7 s, ruled by outages: *fast* is below all of them and for
 * villages on cable; *balanced* lies in their middle, where repair makes most outages good; *sure* is the worst of them
 * with half as much again.
 */
export const latencySettings = { fast: 700, balanced: 1_200, sure: 2_500 } as const;
export type LatencySetting = keyof typeof latencySettings;

/** Streams that are looked back on. */
const STREAMS_KEPT = 10;
/** A minute of packets of 60 ms: with fewer, one late packet would be more than the share that is borne. */
const LEAST_PACKETS = 1_000;
/** Late packets that are borne: one in a thousand is a gap of 60 ms a minute. */
const MOST_LATE = 0.001;
/** So many of the receivers have to be served: the worst links lose audio at any latency, and would slow all others. */
const SERVED = 0.9;

/** What is known of a receiver over the last streams. */
export interface ReceiverLateness {
  readonly packets: number;
  /** Late packets, by setting. */
  readonly late: Readonly<Record<LatencySetting, number>>;
}

const settings = ['fast', 'balanced', 'sure'] as const satisfies readonly LatencySetting[];

/** The lowest setting that serves enough of the receivers; *balanced* while nothing is known, *sure* where none does. */
export function recommendSetting(receivers: readonly ReceiverLateness[]): LatencySetting {
  const known = receivers.filter(({ packets }) => packets >= LEAST_PACKETS);
  if (known.length === 0) return 'balanced';
  const isServing = (setting: LatencySetting): boolean => {
    const served = known.filter(({ packets, late }) => late[setting] <= packets * MOST_LATE);
    return served.length >= known.length * SERVED;
  };
  return settings.find(isServing) ?? 'sure';
}

/** A report read for the three settings; null where its counts contradict each other or leave the settings out. */
export function readReport({ packets, late }: Lateness): ReceiverLateness | null {
  const isOrdered = late.every((entry, index) => {
    const before = late[index - 1];
    const isLater = before === undefined || entry.latencyMs > before.latencyMs;
    return isLater && entry.packets <= (before?.packets ?? packets);
  });
  const at = (setting: LatencySetting): number | null =>
    late.find(({ latencyMs }) => latencyMs === latencySettings[setting])?.packets ?? null;
  const [fast, balanced, sure] = [at('fast'), at('balanced'), at('sure')];
  if (!isOrdered || fast === null || balanced === null || sure === null) return null;
  return { packets, late: { fast, balanced, sure } };
}

interface StreamReports {
  readonly audience: ReadonlySet<string>;
  readonly reports: Map<string, ReceiverLateness>;
  /** 20 ms frames cannot have come in more packets than this. */
  readonly mostPackets: number;
}

/** Takes in the reports of receivers. In memory: after a start *balanced* is recommended until streams were heard. */
export class LatenessIntake {
  /** In the order of their beginning; of each receiver of the audience the newest report. */
  readonly #streams = new Map<string, StreamReports>();

  /** A stream goes on air for these receivers, for so long at most. */
  open(streamId: string, deviceIds: readonly string[], timeBoxMs: number): void {
    const mostPackets = Math.ceil(timeBoxMs / 20) + 1;
    this.#streams.set(streamId, { audience: new Set(deviceIds), reports: new Map(), mostPackets });
    const oldest = this.#streams.keys().next();
    if (this.#streams.size > STREAMS_KEPT && oldest.done !== true) this.#streams.delete(oldest.value);
  }

  /** Takes a report; false for one that is malformed, of another's stream, or impossible. */
  take(deviceId: string, payload: Buffer): boolean {
    const lateness = parseJson(payload, latenessSchema);
    const stream = lateness === null ? undefined : this.#streams.get(lateness.streamId);
    if (lateness === null || stream?.audience.has(deviceId) !== true) return false;
    const report = readReport(lateness);
    if (report === null || report.packets > stream.mostPackets) return false;
    // A receiver that starts anew counts anew: the longer report says more.
    const before = stream.reports.get(deviceId);
    if (before === undefined || before.packets <= report.packets) stream.reports.set(deviceId, report);
    return true;
  }

  recommend(): LatencySetting {
    return recommendSetting([...this.#sums().values()]);
  }

  #sums(): Map<string, ReceiverLateness> {
    const sums = new Map<string, ReceiverLateness>();
    for (const { reports } of this.#streams.values()) {
      for (const [deviceId, report] of reports) {
        const before = sums.get(deviceId);
        sums.set(deviceId, before === undefined ? report : add(before, report));
      }
    }
    return sums;
  }
}

function add(a: ReceiverLateness, b: ReceiverLateness): ReceiverLateness {
  const late = {
    fast: a.late.fast + b.late.fast,
    balanced: a.late.balanced + b.late.balanced,
    sure: a.late.sure + b.late.sure,
  };
  return { packets: a.packets + b.packets, late };
}
