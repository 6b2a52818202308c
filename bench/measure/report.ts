/** The middle of some figures. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Prints the figures: a line each for people, or one JSON object as the last line with --json. */
export function report(name: string, figures: Readonly<Record<string, number | string>>): void {
  const rounded = Object.fromEntries(
    Object.entries(figures).map(([field, figure]) => [
      field,
      typeof figure === 'number' ? Math.round(figure * 1000) / 1000 : figure,
    ]),
  );
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ benchmark: name, ...rounded }));
    return;
  }
  for (const [field, figure] of Object.entries(rounded)) console.log(`${field.padEnd(24)} ${figure}`);
}
