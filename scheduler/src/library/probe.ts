import { LoaLangError } from '@loalang/shared';
import { z } from 'zod';
import { ffprobe, type RunOptions } from './tools.ts';

export interface Probe {
  /** ffmpeg's name of the container: wav, flac, ogg, mp3, aac, `mov,mp4,…`. */
  readonly format: string;
  /** What the container says; null where it says nothing and ffmpeg would guess from the bit rate. */
  readonly declaredMs: number | null;
}

const seconds = z.coerce.number().nonnegative();
const answerSchema = z.object({
  streams: z.array(z.object({ codec_name: z.string().optional() })).default([]),
  format: z.object({ format_name: z.string(), duration: seconds.optional() }),
});

const question = ['-v', 'warning', '-select_streams', 'a', '-of', 'json'];
const entries = ['-show_entries', 'stream=codec_name:format=format_name,duration'];

/** Tells what a file is. Throws AUDIO_NOT_SOUND, or AUDIO_TRUNCATED where the index at its end is missing. */
export async function probe(path: string, options: RunOptions): Promise<Probe> {
  const { isOk, stdout, stderr } = await ffprobe([...question, ...entries, path], options);
  // An m4a that is not "fast start" has its index last; without it nothing can be decoded.
  if (/moov atom not found/.test(stderr)) throw new LoaLangError('AUDIO_TRUNCATED');
  const answer = isOk ? answerSchema.safeParse(JSON.parse(stdout)) : null;
  if (!answer?.success || !answer.data.streams.some((stream) => stream.codec_name !== undefined)) {
    throw new LoaLangError('AUDIO_NOT_SOUND');
  }
  const { format_name: format, duration } = answer.data.format;
  const isGuess = /Estimating duration from bitrate/.test(stderr) || duration === undefined;
  return { format, declaredMs: isGuess ? null : duration * 1000 };
}
