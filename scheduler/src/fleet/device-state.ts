import { addMs, type DeviceState, type Fault, type MediaTime, type Status } from '@loalang/shared';

/** Two statuses may be lost and the third be late (they come every 30 s). */
export const SILENT_AFTER_MS = 75_000;

/** With one of these nothing comes out, whatever the receiver says that it plays. */
const soundless: ReadonlySet<Fault> = new Set(['amplifier-no-current', 'sink-failed']);

/** How a receiver is, by its newest authenticated status and nothing else. */
export function deviceState(input: {
  lastSeenAt: MediaTime | null;
  status: Pick<Status, 'playing' | 'clock' | 'faults'> | null;
  now: MediaTime;
}): DeviceState {
  const { lastSeenAt, status, now } = input;
  if (lastSeenAt === null || status === null) return 'never-seen';
  if (isSilent(lastSeenAt, now)) return 'offline';
  if (status.faults.some((fault) => soundless.has(fault))) return 'fault';
  if (status.playing !== null) return 'playing';
  if (status.clock.state === 'none') return 'no-clock';
  return status.faults.some((fault) => fault !== 'clock-unknown') ? 'fault' : 'ready';
}

/** Has a receiver been silent for too long to be called online? */
export function isSilent(lastSeenAt: MediaTime | null, now: MediaTime): boolean {
  return lastSeenAt === null || addMs(lastSeenAt, SILENT_AFTER_MS) < now;
}
