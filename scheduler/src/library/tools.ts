/**
 * The one place that runs ffmpeg and ffprobe. What they read comes from strangers: only the demuxers of the formats that the
 * console names, only files, one thread, nothing but the first audio stream, and a limit of time.
 */
import { execFile } from 'node:child_process';
import { Writable } from 'node:stream';
import { LoaLangError } from '@loalang/shared';
import Ffmpeg, { type FfmpegCommand } from 'fluent-ffmpeg';
import { limit, type Limit } from './limit.ts';

export interface Tools {
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
}

export const defaultTools: Tools = { ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe' };

/** Playlists (hls, concat) are demuxers too, and would read other files and addresses: they are not in this list. */
export const inputGuards = [
  '-protocol_whitelist',
  'file,pipe',
  '-format_whitelist',
  'wav,w64,aiff,flac,ogg,mov,mp3,aac',
];

const PROBE_LIMIT_MS = 30_000;
/** Reading of the version: a program that hangs here would hang in fluent-ffmpeg's own questions, which have no limit. */
const VERSION_LIMIT_MS = 10_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export interface RunOptions {
  readonly tools: Tools;
  readonly limitMs: number;
  /** The sender is gone, or the platform ends. */
  readonly signal: AbortSignal;
}

/** A command that reads one untrusted file. */
export function readingFrom(path: string): FfmpegCommand {
  return Ffmpeg({ stdoutLines: 20 })
    .input(path)
    .inputOptions(['-nostdin', '-hide_banner', '-loglevel level+info', '-threads 1', ...inputGuards]);
}

/** Makes sure that ffmpeg is there and answers. Throws FFMPEG_MISSING or AUDIO_TIMEOUT. */
export async function checkFfmpeg({ tools, signal, limitMs }: RunOptions): Promise<void> {
  const limited = limit([signal], Math.min(limitMs, VERSION_LIMIT_MS));
  await execute(tools.ffmpegPath, ['-hide_banner', '-version'], limited);
}

/** Runs ffprobe; returns what it printed, whether it succeeded or not. */
export async function ffprobe(
  args: readonly string[],
  { tools, signal, limitMs }: RunOptions,
): Promise<{ isOk: boolean; stdout: string; stderr: string }> {
  const limited = limit([signal], Math.min(limitMs, PROBE_LIMIT_MS));
  return await execute(tools.ffprobePath, [...inputGuards, ...args], limited);
}

async function execute(
  path: string,
  args: readonly string[],
  limited: Limit,
): Promise<{ isOk: boolean; stdout: string; stderr: string }> {
  const { signal } = limited;
  return await new Promise((resolve, reject) => {
    const options = { signal, killSignal: 'SIGKILL', maxBuffer: MAX_ANSWER_BYTES } as const;
    execFile(path, args, options, (error, stdout, stderr) => {
      limited.release();
      const isUnfinished = signal.aborted || isCode(error, 'ENOENT') || isCode(error, 'EACCES');
      if (error !== null && isUnfinished) reject(runFailure(error, limited));
      else resolve({ isOk: error === null, stdout, stderr });
    });
  });
}

/**
 * Runs a prepared command to its end; each line of its log goes to `onLine`. On the limit or the signal it is killed, and
 * is gone when this throws. Throws AUDIO_TIMEOUT, AUDIO_UPLOAD_BROKEN, FFMPEG_MISSING, DISK_FULL, or AUDIO_NOT_SOUND.
 */
export async function runFfmpeg(
  command: FfmpegCommand,
  onLine: (line: string) => void,
  { tools, signal, limitMs }: RunOptions,
): Promise<void> {
  const limited = limit([signal], limitMs);
  let isStarted = false;
  let lastError = '';
  const ended = new Promise<void>((resolve, reject) => {
    const end = (): void => {
      // Before the start fluent-ffmpeg asks ffmpeg what it can do, and there is nothing to kill yet.
      if (isStarted) command.kill('SIGKILL');
      else reject(new Error('ended before the start'));
    };
    limited.signal.addEventListener('abort', end, { once: true });
    command.on('start', () => {
      isStarted = true;
      if (limited.signal.aborted) end();
    });
    command.on('stderr', (line: string) => {
      if (/\[(?:error|fatal)\]|No space left/.test(line)) lastError = line;
      onLine(line);
    });
    command.once('end', () => resolve());
    command.once('error', (error: Error) => reject(error));
  });
  command.setFfmpegPath(tools.ffmpegPath);
  command.run();
  try {
    await ended;
  } catch (error) {
    throw runFailure(error, limited, lastError);
  } finally {
    limited.release();
  }
}

function runFailure(error: unknown, limited: Limit, said = ''): LoaLangError {
  const options = { cause: error };
  if (limited.signal.aborted) {
    return new LoaLangError(limited.isLate() ? 'AUDIO_TIMEOUT' : 'AUDIO_UPLOAD_BROKEN', {}, options);
  }
  const isMissing = isCode(error, 'ENOENT') || isCode(error, 'EACCES');
  if (isMissing) return new LoaLangError('FFMPEG_MISSING', {}, options);
  const isFull = /No space left|ENOSPC/.test(`${said} ${String(error)}`);
  return new LoaLangError(isFull ? 'DISK_FULL' : 'AUDIO_NOT_SOUND', {}, options);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** A sink for ffmpeg's output. fluent-ffmpeg kills the program 20 ms after a `close` of its target, so there is none. */
export function outputSink(take: (chunk: Buffer) => void): Writable {
  return new Writable({
    emitClose: false,
    autoDestroy: false,
    write(chunk: Buffer, _encoding, done) {
      take(chunk);
      done();
    },
  });
}
