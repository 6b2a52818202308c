// What both ends of a live stream reckon with. Apart from the schemas: the thread that makes the sound needs none.
/** From its capture until it is heard. */
export const MAX_LATENCY_MS = 10_000;
/** A frame is stamped at most so many latencies ahead: beyond, the speaker's frames pile up and are left out. */
export const MOST_LEAD = 1.5;
/** As long as the longest latency, and nothing older can be played. */
export const MAX_REPAIR_FRAMES = MAX_LATENCY_MS / 20;
