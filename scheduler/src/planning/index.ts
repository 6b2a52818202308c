export { PLAN_AHEAD_DAYS } from './plan-device.ts';
export { readEpoch } from './planning-repository.ts';
export { Planning, type PlanningParts } from './planning.ts';
