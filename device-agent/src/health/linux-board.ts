import { existsSync, readFileSync, readdirSync, statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import type { Board, BoardReading } from './board.ts';
import { LinuxRtc } from './linux-rtc.ts';

const MB = 1_000_000;

/** A bare Linux board: what /proc and /sys say. It has no amplifier line of its own to switch or to measure. */
export class LinuxBoard implements Board {
  readonly model: string;
  readonly serial: string | null;
  readonly rtc = LinuxRtc.find();
  readonly #dataFolder: string;
  #isAmplifierOn = false;

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder;
    this.model = (readText('/sys/firmware/devicetree/base/model') ?? 'Linux').slice(0, 80);
    this.serial = readSerial();
  }

  read(): BoardReading {
    return {
      temperatureC: readTemperatureC(),
      diskFreeMB: readDiskFreeMB(this.#dataFolder),
      memoryFreeMB: readMemoryFreeMB(),
      network: readNetwork(),
      signalBars: null,
      hasMains: readMains(),
      isAmplifierOn: this.#isAmplifierOn,
      amplifierA: null,
    };
  }

  setAmplifier(isOn: boolean): void {
    this.#isAmplifierOn = isOn;
  }
}

// The files of /proc and /sys are there or not, depending on the board; one that can't be read says nothing.
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').replace(/\0/g, '').trim();
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

// A single-board computer has it in its device tree, a PC in its firmware, where only root may read it.
function readSerial(): string | null {
  const files = ['/sys/firmware/devicetree/base/serial-number', '/sys/class/dmi/id/product_serial'];
  const found = files.map(readText).find((text) => text !== null && text !== '');
  return found?.slice(0, 80) ?? null;
}

function readTemperatureC(): number | null {
  const text = readText('/sys/class/thermal/thermal_zone0/temp');
  const milli = text === null || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(milli) ? milli / 1000 : null;
}

function readDiskFreeMB(folder: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return Math.round((bavail * bsize) / MB);
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

function readMemoryFreeMB(): number {
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(readText('/proc/meminfo') ?? '');
  return Math.round(match === null ? freemem() / MB : (Number(match[1]) * 1024) / MB);
}

// The interface of the default route tells which network carries the receiver.
function readNetwork(): BoardReading['network'] {
  const routes = (readText('/proc/net/route') ?? '').split('\n').map((line) => line.split('\t'));
  const name = routes.find(([, destination]) => destination === '00000000')?.[0] ?? '';
  if (/^(wwan|usb|ppp)/.test(name)) return '4g';
  if (name.startsWith('wl') || existsSync(`/sys/class/net/${name}/wireless`))
    return name === '' ? null : 'wifi';
  return name === '' ? null : 'lan';
}

function readMains(): boolean | null {
  const folder = '/sys/class/power_supply';
  if (!existsSync(folder)) return null;
  const mains = readdirSync(folder).find((name) => readText(`${folder}/${name}/type`) === 'Mains');
  return mains === undefined ? null : readText(`${folder}/${mains}/online`) === '1';
}
