/** In-place complex Fourier transform of a power of two (Cooley and Tukey 1965, decimation in time); not scaled. */
export class Fft {
  readonly size: number;
  readonly #cosine: Float64Array;
  readonly #sine: Float64Array;

  constructor(size: number) {
    this.size = size;
    const angle = (index: number): number => (2 * Math.PI * index) / size;
    this.#cosine = Float64Array.from({ length: size / 2 }, (_, index) => Math.cos(angle(index)));
    this.#sine = Float64Array.from({ length: size / 2 }, (_, index) => -Math.sin(angle(index)));
  }

  transform(re: Float64Array, im: Float64Array): void {
    reverseBits(re, im);
    for (let span = 1; span < this.size; span *= 2) this.#butterflies(re, im, span);
  }

  /** Swapping the parts before and after turns the transform round. */
  inverse(re: Float64Array, im: Float64Array): void {
    this.transform(im, re);
  }

  #butterflies(re: Float64Array, im: Float64Array, span: number): void {
    const stride = this.size / (2 * span);
    for (let start = 0; start < this.size; start += 2 * span) {
      for (let k = 0; k < span; k += 1) {
        const [a, b] = [start + k, start + k + span];
        const c = this.#cosine[k * stride] ?? 0;
        const s = this.#sine[k * stride] ?? 0;
        const [bRe, bIm] = [re[b] ?? 0, im[b] ?? 0];
        const [tRe, tIm] = [bRe * c - bIm * s, bRe * s + bIm * c];
        re[b] = (re[a] ?? 0) - tRe;
        im[b] = (im[a] ?? 0) - tIm;
        re[a] = (re[a] ?? 0) + tRe;
        im[a] = (im[a] ?? 0) + tIm;
      }
    }
  }
}

function reverseBits(re: Float64Array, im: Float64Array): void {
  for (let i = 1, j = 0; i < re.length; i += 1) {
    let bit = re.length >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    [re[i], re[j]] = [re[j] ?? 0, re[i] ?? 0];
    [im[i], im[j]] = [im[j] ?? 0, im[i] ?? 0];
  }
}
