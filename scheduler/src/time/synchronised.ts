/** What adjtimex returns where nothing keeps the system's clock right (adjtimex(2): TIME_ERROR, STA_UNSYNC). */
const TIME_ERROR = 5;
/** `struct timex` has 208 bytes on 64-bit Linux. All zero it asks and changes nothing. */
const TIMEX_BYTES = 512;

/** Finds a way to ask the kernel whether the system's clock is synchronised; it answers null where there is none. */
export async function findSynchronised(): Promise<() => boolean | null> {
  try {
    const { default: koffi } = await import('koffi');
    const adjtimex = koffi.load(null).func('int adjtimex(void *)') as (timex: Buffer) => number;
    return () => {
      const state = adjtimex(Buffer.alloc(TIMEX_BYTES));
      return state < 0 ? null : state !== TIME_ERROR;
    };
  } catch {
    // No koffi for this machine, or no such call: then nobody is told, and time is kept all the same.
    return () => null;
  }
}
