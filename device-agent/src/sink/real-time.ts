// First-come scheduling for the thread that feeds the card: on a busy board it decides over clicks (at nice 0 a wake-up
// came up to 52 ms late).
const SCHED_FIFO = 1;
// Children and threads begun later stay ordinary.
const SCHED_RESET_ON_FORK = 0x4000_0000;
/** Above everything ordinary, below the kernel's own threads (50). */
const PRIORITY = 10;

/** Gives the calling thread real-time priority; false where the system does not allow it (it needs CAP_SYS_NICE). */
export async function takeRealTimePriority(): Promise<boolean> {
  try {
    const { default: koffi } = await import('koffi');
    const setScheduler = koffi.load(null).func('int sched_setscheduler(int, int, const int *)') as (
      pid: number,
      policy: number,
      parameters: Int32Array,
    ) => number;
    return setScheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, Int32Array.of(PRIORITY)) === 0;
  } catch {
    // No koffi for this board, or no such call: sound comes out all the same.
    return false;
  }
}
