import { spawnSync } from 'node:child_process';

const NOTICE =
  'Ủy ban nhân dân xã thông báo. Do mưa lớn, nước suối đang lên nhanh. Đề nghị bà con không qua suối.';

/** Makes a file of Vietnamese speech (espeak-ng), some 7 s; the ending of the path says which kind (wav, mp3). */
export function makeSpeech(path: string): void {
  const wav = speak(NOTICE, 150);
  run('ffmpeg', ['-v', 'error', '-y', '-i', '-', '-ar', '48000', '-ac', '1', '-b:a', '128k', path], wav);
}

/** The same words, over and over for so many seconds, at a pace of words a minute; from -1 to 1 at 48 kHz. */
export function speechSamples(seconds: number, wordsPerMinute: number): Float32Array {
  const wav = speak(NOTICE.repeat(Math.ceil(seconds / 4)), wordsPerMinute);
  const raw = ['-ar', '48000', '-ac', '1', '-t', String(seconds), '-f', 'f32le', 'pipe:1'];
  return new Float32Array(Uint8Array.from(run('ffmpeg', ['-v', 'error', '-i', '-', ...raw], wav)).buffer);
}

/** Makes a file with a tone of so many seconds. */
export function makeTone(path: string, seconds: number): void {
  run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`, path]);
}

const speak = (words: string, wordsPerMinute: number): Buffer =>
  run('espeak-ng', ['-v', 'vi', '-s', String(wordsPerMinute), '--stdout', words]);

function run(command: string, args: string[], input?: Buffer): Buffer {
  const { stdout, status, stderr } = spawnSync(command, args, { input, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} failed: ${stderr.toString()}`);
  return stdout;
}
