// What both ends of a live stream reckon with. Apart from the schemas: the thread that makes the sound needs none.
/** From its capture until it is heard. */
export const MAX_LATENCY_MS = 10_000;
/** A frame is stamped at most so many latencies ahead: beyond, the speaker's frames pile up and are left out. */
export const MOST_LEAD = 1.5;
const FRAME_MS = 20;
/** What one question may ask for: as long as the longest latency. */
export const MAX_REPAIR_FRAMES = MAX_LATENCY_MS / FRAME_MS;
/** As many as there can be between the stamping of the first and the moment at which it is heard. */
export const MAX_FRAMES_AHEAD = (MOST_LEAD * MAX_LATENCY_MS) / FRAME_MS;
