/** Circular 39/2020/TT-BTTTT: a higher bulletin interrupts a lower one. */
export const priorities = ['normal', 'priority', 'emergency'] as const;
export type Priority = (typeof priorities)[number];

/** 0 for normal, 1 for priority, 2 for emergency. */
export function priorityRank(priority: Priority): number {
  return priorities.indexOf(priority);
}
