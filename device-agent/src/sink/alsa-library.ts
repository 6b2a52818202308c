// libasound through koffi: nothing is compiled, and both are loaded only where a card is really used.
import { constants } from 'node:os';
import type { KoffiFunc } from 'koffi';
import { PcmError } from './pcm.ts';

/** An address; koffi's business. */
export type Handle = bigint | null;
type OnHandle<Rest extends unknown[]> = KoffiFunc<(handle: Handle, ...rest: Rest) => number>;

/** The functions we call, with names as in ALSA's own reference (alsa-lib, `pcm.h`). */
export interface AlsaLibrary {
  readonly open: KoffiFunc<(handle: [Handle], name: string, stream: number, mode: number) => number>;
  readonly close: OnHandle<[]>;
  readonly drop: OnHandle<[]>;
  readonly prepare: OnHandle<[]>;
  readonly start: OnHandle<[]>;
  readonly resume: OnHandle<[]>;
  readonly writei: OnHandle<[Int16Array, number]>;
  readonly status: OnHandle<[Handle]>;
  readonly statusState: OnHandle<[]>;
  readonly statusDelay: OnHandle<[]>;
  readonly statusAvail: OnHandle<[]>;
  readonly statusTime: KoffiFunc<(status: Handle, timespec: Uint8Array) => void>;
  readonly hwParams: OnHandle<[Handle]>;
  readonly hwAny: OnHandle<[Handle]>;
  readonly hwAccess: OnHandle<[Handle, number]>;
  readonly hwFormat: OnHandle<[Handle, number]>;
  readonly hwChannels: OnHandle<[Handle, number]>;
  readonly hwRate: OnHandle<[Handle, number, number]>;
  readonly hwPeriodNear: OnHandle<[Handle, [number], [number]]>;
  readonly hwBufferNear: OnHandle<[Handle, [number]]>;
  readonly swCurrent: OnHandle<[Handle]>;
  readonly swParams: OnHandle<[Handle]>;
  readonly swStartThreshold: OnHandle<[Handle, number]>;
  readonly swTimeMode: OnHandle<[Handle, number]>;
  readonly swTimeType: OnHandle<[Handle, number]>;
  readonly allocate: (what: 'status' | 'hw_params' | 'sw_params') => Handle;
  readonly free: (what: 'status' | 'hw_params' | 'sw_params', handle: Handle) => void;
  readonly describe: (code: number) => string;
}

const LIBRARY = 'libasound.so.2';
let loaded: AlsaLibrary | null = null;

/** The library of this machine; rejects with LIBRARY_MISSING, and looks again the next time. */
export async function loadAlsa(): Promise<AlsaLibrary> {
  try {
    const { default: koffi } = await import('koffi');
    loaded ??= bind(koffi.load(LIBRARY));
    return loaded;
  } catch (error) {
    const text = `${LIBRARY} could not be loaded. Install it: apt-get install libasound2`;
    throw new PcmError('LIBRARY_MISSING', text, { cause: error });
  }
}

/** Throws what libasound reports as a negative errno; passes on everything else. */
export function check(alsa: AlsaLibrary, result: number, call: string): number {
  if (result >= 0) return result;
  throw new PcmError(errnoName(-result), `${call}: ${alsa.describe(result)}`);
}

function errnoName(errno: number): string {
  // ESTRPIPE and EBADFD exist on Linux only, and Node does not list them.
  if (errno === 86) return 'ESTRPIPE';
  if (errno === 77) return 'EBADFD';
  const found = Object.entries(constants.errno).find(([, number]) => number === errno);
  return found?.[0] ?? `E${errno}`;
}

type Library = ReturnType<(typeof import('koffi'))['load']>;

function bind(library: Library): AlsaLibrary {
  const on = <Rest extends unknown[]>(name: string, ...rest: string[]): OnHandle<Rest> =>
    library.func(`snd_pcm_${name}`, 'long', ['void *', ...rest]) as OnHandle<Rest>;
  // Most return an int. Read as a long its upper half would be undefined.
  const int = <Rest extends unknown[]>(name: string, ...rest: string[]): OnHandle<Rest> =>
    library.func(`snd_pcm_${name}`, 'int', ['void *', ...rest]) as OnHandle<Rest>;
  return {
    ...bindStream(library, int, on),
    ...bindParameters(int),
    ...bindMemory(library),
  };
}

type Binder = <Rest extends unknown[]>(name: string, ...rest: string[]) => OnHandle<Rest>;

function bindStream(library: Library, int: Binder, long: Binder) {
  return {
    open: library.func('int snd_pcm_open(_Out_ void **, const char *, int, int)') as AlsaLibrary['open'],
    close: int<[]>('close'),
    drop: int<[]>('drop'),
    prepare: int<[]>('prepare'),
    start: int<[]>('start'),
    resume: int<[]>('resume'),
    writei: long<[Int16Array, number]>('writei', 'const int16_t *', 'ulong'),
    status: int<[Handle]>('status', 'void *'),
    statusState: int<[]>('status_get_state'),
    statusDelay: long<[]>('status_get_delay'),
    statusAvail: long<[]>('status_get_avail'),
    statusTime: library.func('void snd_pcm_status_get_htstamp(void *, void *)') as AlsaLibrary['statusTime'],
  };
}

function bindParameters(int: Binder) {
  return {
    hwParams: int<[Handle]>('hw_params', 'void *'),
    hwAny: int<[Handle]>('hw_params_any', 'void *'),
    hwAccess: int<[Handle, number]>('hw_params_set_access', 'void *', 'int'),
    hwFormat: int<[Handle, number]>('hw_params_set_format', 'void *', 'int'),
    hwChannels: int<[Handle, number]>('hw_params_set_channels', 'void *', 'uint'),
    hwRate: int<[Handle, number, number]>('hw_params_set_rate', 'void *', 'uint', 'int'),
    hwPeriodNear: int<[Handle, [number], [number]]>(
      'hw_params_set_period_size_near',
      'void *',
      '_Inout_ ulong *',
      '_Inout_ int *',
    ),
    hwBufferNear: int<[Handle, [number]]>('hw_params_set_buffer_size_near', 'void *', '_Inout_ ulong *'),
    swCurrent: int<[Handle]>('sw_params_current', 'void *'),
    swParams: int<[Handle]>('sw_params', 'void *'),
    swStartThreshold: int<[Handle, number]>('sw_params_set_start_threshold', 'void *', 'ulong'),
    swTimeMode: int<[Handle, number]>('sw_params_set_tstamp_mode', 'void *', 'int'),
    swTimeType: int<[Handle, number]>('sw_params_set_tstamp_type', 'void *', 'int'),
  };
}

function bindMemory(library: Library): Pick<AlsaLibrary, 'allocate' | 'free' | 'describe'> {
  const allocators = new Map<string, (out: [Handle]) => number>();
  const releases = new Map<string, (handle: Handle) => void>();
  for (const what of ['status', 'hw_params', 'sw_params']) {
    allocators.set(what, library.func(`int snd_pcm_${what}_malloc(_Out_ void **)`));
    releases.set(what, library.func(`void snd_pcm_${what}_free(void *)`));
  }
  const describe = library.func('const char *snd_strerror(int)') as (code: number) => string;
  return {
    allocate(what) {
      const out: [Handle] = [null];
      const result = allocators.get(what)?.(out) ?? -1;
      if (result < 0) throw new PcmError('ENOMEM', `snd_pcm_${what}_malloc: ${describe(result)}`);
      return out[0];
    },
    free: (what, handle) => releases.get(what)?.(handle),
    describe,
  };
}
