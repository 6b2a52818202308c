// For tests.

/** Total harmonic distortion and noise in dB: what is left after the best-fitting sine of a known frequency is taken out. */
export function distortionDb(out: Float32Array, hz: number): number {
  const angle = (2 * Math.PI * hz) / 48_000;
  const sum = { ss: 0, sc: 0, cc: 0, sv: 0, cv: 0 };
  out.forEach((value, index) => {
    const sin = Math.sin(angle * index);
    const cos = Math.cos(angle * index);
    sum.ss += sin * sin;
    sum.sc += sin * cos;
    sum.cc += cos * cos;
    sum.sv += sin * value;
    sum.cv += cos * value;
  });
  const determinant = sum.ss * sum.cc - sum.sc * sum.sc;
  const a = (sum.sv * sum.cc - sum.cv * sum.sc) / determinant;
  const b = (sum.cv * sum.ss - sum.sv * sum.sc) / determinant;
  let residue = 0;
  let power = 0;
  out.forEach((value, index) => {
    const fitted = a * Math.sin(angle * index) + b * Math.cos(angle * index);
    residue += (value - fitted) ** 2;
    power += fitted ** 2;
  });
  return 10 * Math.log10(residue / power);
}
