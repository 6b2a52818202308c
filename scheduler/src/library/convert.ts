/** From a received file to the one kind that receivers play: Ogg Opus, 48 kHz, mono, 20 ms frames, one loudness. */
import { LoaLangError } from '@loalang/shared';
import type { IngestLimits } from './limits.ts';
import {
  checkingFilters,
  correctingFilters,
  isSilent,
  measuringFilters,
  originalLufs,
  readIntegratedLufs,
  readReport,
  target,
  type Loudness,
} from './loudness.ts';
import { PeakMeter } from './peaks.ts';
import { probe, type Probe } from './probe.ts';
import { checkFfmpeg, outputSink, readingFrom, runFfmpeg, type RunOptions, type Tools } from './tools.ts';
import { isCutOff, isDecodedShort } from './truncation.ts';

export interface Converted {
  readonly durationMs: number;
  readonly originalLufs: number | null;
  readonly peaks: number[];
}

export interface ConvertOptions {
  readonly tools: Tools;
  readonly limits: IngestLimits;
  readonly signal: AbortSignal;
}

/** 48 kb/s holds speech and song in mono without a fault that one could hear from a horn. */
const opusOptions = ['-c:a libopus', '-b:a 48k', '-vbr on', '-application audio', '-frame_duration 20'];
const firstSound = ['-map 0:a:0', '-vn', '-sn', '-dn'];
/** No title, cover or encoder's name; the same input gives the same bytes, so that it is stored once. */
const plainOptions = ['-map_metadata -1', '-map_chapters -1', '-fflags +bitexact'];
const MAX_LOG_CHARACTERS = 20_000;
/** Half of what one can hear as a difference. */
const CLOSE_ENOUGH_LU = 0.5;
const MAX_ENCODES = 3;

/** Checks `source` and writes the result to `result`. Throws the AUDIO_ errors, FFMPEG_MISSING or DISK_FULL. */
export async function convert(source: string, result: string, options: ConvertOptions): Promise<Converted> {
  await checkFfmpeg(runOptions(options, 0));
  const file = await probe(source, runOptions(options, 0));
  assertNotLonger(file.declaredMs ?? (await countMs(source, options)), options.limits);
  if (await isCutOff(source, file)) throw new LoaLangError('AUDIO_TRUNCATED');
  const measured = await measure(source, file, options);
  const meter = await encodeToTarget(source, result, measured, options);
  return {
    durationMs: meter.durationMs,
    originalLufs: originalLufs(measured.loudness),
    peaks: meter.peaks(),
  };
}

/** The length of a file that does not say it: read through without decoding, 10 hours of mp3 in a second. */
async function countMs(source: string, options: ConvertOptions): Promise<number> {
  let countedMs = 0;
  const command = readingFrom(source)
    .outputOptions([...firstSound, '-c copy', '-f null'])
    .output('-');
  const onLine = (line: string): void => {
    countedMs = readTimeMs(line) ?? countedMs;
  };
  await runFfmpeg(command, onLine, runOptions(options, 0));
  return countedMs;
}

interface Measured {
  readonly loudness: Loudness;
  readonly decodedMs: number;
}

/** The first pass: decodes all of it, for its loudness and its true length. */
async function measure(source: string, file: Probe, options: ConvertOptions): Promise<Measured> {
  const { limits } = options;
  let log = '';
  let decodedMs = 0;
  let isPacketCut = false;
  const command = readingFrom(source)
    .audioFilters(measuringFilters)
    // One second over the limit is enough to know, whatever a file says of itself.
    .outputOptions([...firstSound, `-t ${limits.maxDurationMs / 1000 + 1}`, '-f null'])
    .output('-');
  const onLine = (line: string): void => {
    decodedMs = readTimeMs(line) ?? decodedMs;
    isPacketCut ||= /Packet corrupt/.test(line);
    log = `${log}${withoutLevel(line)}\n`.slice(-MAX_LOG_CHARACTERS);
  };
  await runFfmpeg(command, onLine, runOptions(options, file.declaredMs ?? limits.maxDurationMs));
  const loudness = readReport(log);
  if (decodedMs === 0 || loudness === null) throw new LoaLangError('AUDIO_TOO_SHORT');
  assertNotLonger(decodedMs, limits);
  if (isDecodedShort(file, decodedMs, { isPacketCut })) throw new LoaLangError('AUDIO_TRUNCATED');
  if (decodedMs < limits.minDurationMs || isSilent(loudness)) throw new LoaLangError('AUDIO_TOO_SHORT');
  return { loudness, decodedMs };
}

/** The second pass, done again with a correction where the codec changed the loudness. */
async function encodeToTarget(
  source: string,
  result: string,
  measured: Measured,
  options: ConvertOptions,
): Promise<PeakMeter> {
  const { loudness, decodedMs } = measured;
  const run = runOptions(options, decodedMs);
  let correctionLu = 0;
  for (let attempt = 1; ; attempt++) {
    await encode(source, result, correctingFilters(measured, correctionLu), run);
    const { meter, lufs } = await meterResult(result, run);
    const missingLu = originalLufs(loudness) === null || lufs === null ? 0 : target.integratedLufs - lufs;
    if (Math.abs(missingLu) <= CLOSE_ENOUGH_LU || attempt === MAX_ENCODES) return meter;
    correctionLu += missingLu;
  }
}

async function encode(source: string, result: string, filters: string[], run: RunOptions): Promise<void> {
  const command = readingFrom(source)
    .audioFilters(filters)
    .outputOptions([...firstSound, ...plainOptions, ...opusOptions])
    .outputOptions(['-flags:a +bitexact', '-ar 48000', '-ac 1', '-f ogg'])
    .output(result);
  await runFfmpeg(command, () => undefined, run);
}

/** Decodes the result: its exact length, its waveform and loudness, and the proof that it can be played. */
async function meterResult(
  result: string,
  run: RunOptions,
): Promise<{ meter: PeakMeter; lufs: number | null }> {
  const meter = new PeakMeter();
  let lufs: number | null = null;
  const command = readingFrom(result)
    .audioFilters(checkingFilters)
    .outputOptions(['-map 0:a:0', '-c:a pcm_s16le', '-ar 48000', '-ac 1', '-f s16le'])
    .output(outputSink((chunk) => meter.add(chunk)));
  const onLine = (line: string): void => {
    lufs = readIntegratedLufs(withoutLevel(line)) ?? lufs;
  };
  await runFfmpeg(command, onLine, run);
  return { meter, lufs };
}

function runOptions({ tools, limits, signal }: ConvertOptions, durationMs: number): RunOptions {
  return { tools, signal, limitMs: Math.round(limits.runBaseMs + limits.runShare * durationMs) };
}

function assertNotLonger(durationMs: number, limits: IngestLimits): void {
  if (durationMs <= limits.maxDurationMs) return;
  throw new LoaLangError('AUDIO_TOO_LONG', { limitMinutes: Math.floor(limits.maxDurationMs / 60_000) });
}

/** `-loglevel level` writes the level before each line, after the name of the part that speaks. */
function withoutLevel(line: string): string {
  return line.replace(/^\[info\] ?/, '');
}

/** ffmpeg's line of progress: `size=N/A time=00:01:02.34 bitrate=…`. */
function readTimeMs(line: string): number | null {
  const match = /time=(\d+):(\d\d):(\d\d(?:\.\d+)?)/.exec(line);
  if (!match) return null;
  return (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1000;
}
