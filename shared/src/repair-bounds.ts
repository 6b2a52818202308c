/** 10 s: as long as the longest latency, and nothing older can be played. */
export const MAX_REPAIR_FRAMES = 500;
