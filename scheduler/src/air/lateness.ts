/** What receivers say of how late the packets of streams came, kept for the latency of the next ones. */
import { latenessSchema } from '@loalang/shared';
import { parseJson } from '../link/index.ts';
import { settingsFor, type LatencySettings, type ReceiverLateness } from './latency-settings.ts';

/** Streams whose reports are still taken. */
const STREAMS_KEPT = 100;
/** 50 minutes of packets of a receiver: once there are as many, all before count half. */
const PACKETS_KEPT = 50_000;
/** Some 30 MB; the receiver that was heard longest ago is forgotten first. */
const RECEIVERS_KEPT = 100_000;

interface StreamReports {
  readonly audience: ReadonlySet<string>;
  readonly reports: Map<string, ReceiverLateness>;
  /** 20 ms frames cannot have come in more packets than this. */
  readonly mostPackets: number;
}

/** Takes in the reports of receivers. In memory: after a start the first settings hold until streams were heard. */
export class LatenessIntake {
  /** In the order of their beginning; of each receiver of the audience the longest report. */
  readonly #streams = new Map<string, StreamReports>();
  /** Over all streams, each report in it. */
  readonly #receivers = new Map<string, ReceiverLateness>();

  /** A stream goes on air for these receivers, for so long at most. */
  open(streamId: string, deviceIds: readonly string[], timeBoxMs: number): void {
    const mostPackets = Math.ceil(timeBoxMs / 20) + 1;
    this.#streams.set(streamId, { audience: new Set(deviceIds), reports: new Map(), mostPackets });
    forgetOldest(this.#streams, STREAMS_KEPT);
  }

  /** Takes a report; false for one that is malformed, of another's stream, or impossible. */
  take(deviceId: string, payload: Buffer): boolean {
    const report = parseJson(payload, latenessSchema);
    const stream = report === null ? undefined : this.#streams.get(report.streamId);
    if (report === null || stream?.audience.has(deviceId) !== true) return false;
    if (report.packets > stream.mostPackets) return false;
    const before = stream.reports.get(deviceId) ?? NOTHING;
    // A receiver that starts anew counts anew: the longer report says more.
    if (report.packets < before.packets) return true;
    stream.reports.set(deviceId, report);
    this.#learn(deviceId, before, report);
    return true;
  }

  /** The latencies to choose from for a stream to these receivers, ms. */
  settings(deviceIds: readonly string[]): LatencySettings {
    return settingsFor(deviceIds.flatMap((id) => this.#receivers.get(id) ?? []));
  }

  /** What is new in a report of a stream. */
  #learn(deviceId: string, before: ReceiverLateness, now: ReceiverLateness): void {
    const known = this.#receivers.get(deviceId) ?? NOTHING;
    const old = known.packets < PACKETS_KEPT ? known : combine(known, NOTHING, (a) => a / 2);
    const added = combine(now, before, (a, b) => Math.max(0, a - b));
    this.#receivers.delete(deviceId);
    this.#receivers.set(
      deviceId,
      combine(old, added, (a, b) => a + b),
    );
    forgetOldest(this.#receivers, RECEIVERS_KEPT);
  }
}

const NOTHING: ReceiverLateness = { packets: 0, late: [] };

function combine(
  a: ReceiverLateness,
  b: ReceiverLateness,
  by: (a: number, b: number) => number,
): ReceiverLateness {
  const length = Math.max(a.late.length, b.late.length);
  const late = Array.from({ length }, (_, index) => by(a.late[index] ?? 0, b.late[index] ?? 0));
  return { packets: by(a.packets, b.packets), late };
}

/** A map keeps the order in which its keys came. */
function forgetOldest(map: Map<string, unknown>, most: number): void {
  const oldest = map.keys().next();
  if (map.size > most && oldest.done !== true) map.delete(oldest.value);
}
