import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Rtc } from '../clock/index.ts';

const SYSFS = '/sys/class/rtc/rtc0';
const DEVICE = '/dev/rtc0';
/** It waits for the turn of a second; a chip that hangs is left alone. */
const SET_WITHIN_MS = 10_000;

export interface LinuxRtcOptions {
  readonly sysfs?: string;
  readonly device?: string;
  readonly hwclock?: string;
}

/**
 * The battery-backed clock as the kernel shows it, kept in UTC. Reading it from sysfs needs no right; setting it is left to
 * `hwclock`, which knows the chips, and needs CAP_SYS_TIME and the device file. /etc/adjtime is neither read nor written:
 * the drift is ours to learn.
 */
export class LinuxRtc implements Rtc {
  readonly stepMs = 1000;
  readonly #seconds: string;
  readonly #device: string;
  readonly #hwclock: string;

  constructor(options: LinuxRtcOptions = {}) {
    this.#seconds = `${options.sysfs ?? SYSFS}/since_epoch`;
    this.#device = options.device ?? DEVICE;
    this.#hwclock = options.hwclock ?? 'hwclock';
  }

  /** Null where the board has none. */
  static find(options: LinuxRtcOptions = {}): LinuxRtc | null {
    return existsSync(`${options.sysfs ?? SYSFS}/since_epoch`) ? new LinuxRtc(options) : null;
  }

  readMs(): number | null {
    try {
      const seconds = Number(readFileSync(this.#seconds, 'utf8'));
      return Number.isSafeInteger(seconds) ? seconds * 1000 : null;
    } catch (error) {
      // A chip whose oscillator has stopped answers with an error instead of nonsense.
      if (error instanceof Error) return null;
      throw error;
    }
  }

  async setMs(unixMs: number): Promise<void> {
    // It knows local time in whole seconds only, so it is told that local time is UTC.
    const date = new Date(Math.round(unixMs / 1000) * 1000).toISOString().slice(0, 19).replace('T', ' ');
    const env = { ...process.env, TZ: 'UTC' };
    const args = ['--utc', '--noadjfile', '--rtc', this.#device, '--set', '--date', date];
    await new Promise<void>((resolve, reject) => {
      execFile(this.#hwclock, args, { timeout: SET_WITHIN_MS, env }, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
}
