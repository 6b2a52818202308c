// Makes the built-in clips of a receiver that nobody knows yet: what espeak-ng says of these words, trimmed and levelled, as
// Ogg Opus. Run it after a change of the words; the files lie in the repository, so nobody else needs espeak-ng for them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../device-agent/clips/', import.meta.url));
const SPOKEN = {
  code: 'mã của loa',
  admitted: 'đã nhận loa',
  offline: 'chưa có mạng',
  0: 'không',
  1: 'một',
  2: 'hai',
  3: 'ba',
  4: 'bốn',
  5: 'năm',
  6: 'sáu',
  7: 'bảy',
  8: 'tám',
  9: 'chín',
};
/** Of 175, espeak's usual: heard from a pole, through its echo. */
const WORDS_A_MINUTE = '115';
/** Silence is cut away at both ends; loudness as that of uploads would clip so short a word, so peaks are levelled. */
const TRIM = 'silenceremove=start_periods=1:start_threshold=-50dB:start_silence=0.02';
const FILTERS = [
  'highpass=f=120',
  TRIM,
  'areverse',
  TRIM,
  'areverse',
  'acompressor=threshold=-18dB:ratio=3:attack=5:release=60:makeup=4dB',
  'aresample=48000',
];
const LOUDNORM = 'speechnorm=peak=0.7:expansion=8';

const folder = mkdtempSync(join(tmpdir(), 'loalang-clips-'));
mkdirSync(FOLDER, { recursive: true });
try {
  for (const [name, words] of Object.entries(SPOKEN)) {
    const wav = join(folder, `${name}.wav`);
    execFileSync('espeak-ng', ['-v', 'vi', '-s', WORDS_A_MINUTE, '-p', '45', '-w', wav, words]);
    const filters = [...FILTERS, LOUDNORM].join(',');
    const encode = [
      '-c:a',
      'libopus',
      '-b:a',
      '24k',
      '-vbr',
      'on',
      '-application',
      'voip',
      '-frame_duration',
      '20',
    ];
    const strip = ['-map_metadata', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'];
    const target = join(FOLDER, `${name}.opus`);
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-y',
      '-i',
      wav,
      '-af',
      filters,
      '-ac',
      '1',
      ...encode,
      ...strip,
      target,
    ]);
  }
} finally {
  rmSync(folder, { recursive: true });
}
