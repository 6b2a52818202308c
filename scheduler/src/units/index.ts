export { newDeviceId, readSample, sampleSchema, type Sample } from './sample.ts';
export { DEFAULT_POLICY, effectivePolicies, subtreeIds } from './tree.ts';
export { Units } from './units.ts';
