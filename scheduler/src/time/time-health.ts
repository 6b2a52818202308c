import type { TimeHealth } from '@loalang/shared';
import { isOff, type Line } from './line.ts';
import type { LineFollower } from './line-follower.ts';
import { findSynchronised } from './synchronised.ts';

/**
 * What is wrong with media time, as any process of the machine can see it: the line says how far the system's clock is
 * off and whether somebody keeps it, the kernel whether the system's clock is kept right.
 */
export async function findTimeHealth(follower: LineFollower): Promise<() => TimeHealth> {
  const isSynchronised = await findSynchronised();
  return () => timeHealthOf(follower.line(), { isKept: follower.isKept(), isSynchronised: isSynchronised() });
}

/** Null where the kernel does not tell: then nobody is alarmed. */
export function timeHealthOf(
  line: Line,
  { isKept, isSynchronised }: { isKept: boolean; isSynchronised: boolean | null },
): TimeHealth {
  const alarms: TimeHealth['alarms'] = [];
  if (!isKept) alarms.push('unkept');
  if (isOff(line)) alarms.push('off');
  if (isSynchronised === false) alarms.push('unsynchronised');
  return { alarms, offsetMs: Math.round(line.pullUs / 1000) };
}
