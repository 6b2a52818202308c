/** Sound out of a WAV file (RIFF, mono, 16-bit whole numbers or 32-bit floats), also one that is still being written. */
export interface WavSound {
  readonly sampleRate: number;
  readonly samples: Float32Array;
}

const PCM = 1;
const FLOAT = 3;

interface Format {
  readonly encoding: number;
  readonly sampleRate: number;
  readonly bytesPerSample: number;
}

/** Reads a WAV file. The length in its header may be missing or wrong (a writer that was cut off): what is there counts. */
export function readWav(file: Buffer): WavSound {
  if (
    file.length < 12 ||
    file.toString('latin1', 0, 4) !== 'RIFF' ||
    file.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw new SyntaxError('no WAV file');
  }
  let format: Format | null = null;
  let offset = 12;
  while (offset + 8 <= file.length) {
    const name = file.toString('latin1', offset, offset + 4);
    const length = file.readUInt32LE(offset + 4);
    const body = offset + 8;
    if (name === 'fmt ') format = readFormat(file, body);
    if (name === 'data') {
      if (format === null) throw new SyntaxError('a WAV file whose sound comes before its format');
      const isUnfinished = length === 0 || body + length > file.length;
      return {
        sampleRate: format.sampleRate,
        samples: readSamples(file.subarray(body, isUnfinished ? file.length : body + length), format),
      };
    }
    offset = body + length + (length % 2);
  }
  throw new SyntaxError('a WAV file without sound');
}

function readFormat(file: Buffer, body: number): Format {
  if (body + 16 > file.length) throw new SyntaxError('a WAV file that ends in its header');
  const encoding = file.readUInt16LE(body);
  const channels = file.readUInt16LE(body + 2);
  const bits = file.readUInt16LE(body + 14);
  const isKnown = (encoding === PCM && bits === 16) || (encoding === FLOAT && bits === 32);
  if (!isKnown || channels !== 1) {
    throw new SyntaxError(`a WAV file of ${channels} channels, encoding ${encoding}, ${bits} bits`);
  }
  return { encoding, sampleRate: file.readUInt32LE(body + 4), bytesPerSample: bits / 8 };
}

function readSamples(bytes: Buffer, { encoding, bytesPerSample }: Format): Float32Array {
  const samples = new Float32Array(Math.floor(bytes.length / bytesPerSample));
  for (let index = 0; index < samples.length; index += 1) {
    const at = index * bytesPerSample;
    samples[index] = encoding === FLOAT ? bytes.readFloatLE(at) : bytes.readInt16LE(at) / 32768;
  }
  return samples;
}
