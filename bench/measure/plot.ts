// Figures as an SVG file, with nothing but text: lines over a linear or a logarithmic axis, readable on light and dark pages.

export interface Line {
  readonly name: string;
  /** Pairs of x and y in order of x; a y that is not a number breaks the line. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** By default linear. A logarithmic axis leaves out what is not above zero. */
  readonly yScale?: 'linear' | 'log';
  /** A figure to reach: a dashed line. */
  readonly target?: number;
  readonly lines: readonly Line[];
}

interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 70;
const RIGHT = 170;
const TOP = 40;
const BOTTOM = 50;
const TICKS = 5;
// Told apart by colour-blind eyes too (Okabe and Ito's palette).
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** The plot as the text of an SVG file. */
export function plotSvg(plot: Plot): string {
  const isLog = plot.yScale === 'log';
  const points = plot.lines.flatMap((line) => line.points);
  const ys = points.map(([, y]) => y).concat(plot.target ?? []);
  const x = linear(
    points.map(([value]) => value),
    LEFT,
    WIDTH - RIGHT,
  );
  const y = isLog ? logarithmic(ys, HEIGHT - BOTTOM, TOP) : linear([0, ...ys], HEIGHT - BOTTOM, TOP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 22, plot.title, 'start', 'font-weight="bold"'),
    ...axes(plot, x, y),
    ...(plot.target === undefined
      ? []
      : [level(y.place(plot.target), 'stroke="#888" stroke-dasharray="6 4"')]),
    ...plot.lines.flatMap((line, index) => drawn(line, index, x, y, isLog)),
    '</svg>\n',
  ].join('\n');
}

function axes({ xLabel, yLabel }: Plot, x: Scale, y: Scale): string[] {
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  return [
    ...y.ticks.flatMap((tick) => [
      level(y.place(tick), 'stroke="#ddd"'),
      text(LEFT - 8, y.place(tick) + 4, figure(tick), 'end'),
    ]),
    ...x.ticks.map((tick) => text(x.place(tick), HEIGHT - BOTTOM + 18, figure(tick), 'middle')),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, xLabel, 'middle'),
    text(16, middle, yLabel, 'middle', `transform="rotate(-90 16 ${middle})"`),
  ];
}

function drawn({ name, points }: Line, index: number, x: Scale, y: Scale, isLog: boolean): string[] {
  const colour = COLOURS[index % COLOURS.length] ?? '#000';
  let path = '';
  let isPenDown = false;
  for (const [px, py] of points) {
    const isShown = Number.isFinite(py) && (!isLog || py > 0);
    if (isShown) path += `${isPenDown ? 'L' : 'M'}${x.place(px).toFixed(1)} ${y.place(py).toFixed(1)}`;
    isPenDown = isShown;
  }
  const row = TOP + 10 + index * 18;
  return [
    `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-linecap="round"/>`,
    `<path d="M${WIDTH - RIGHT + 12} ${row}h18" stroke="${colour}" stroke-width="3"/>`,
    text(WIDTH - RIGHT + 36, row + 4, name, 'start'),
  ];
}

function level(at: number, style: string): string {
  return `<path d="M${LEFT} ${at.toFixed(1)}H${WIDTH - RIGHT}" ${style}/>`;
}

function text(x: number, y: number, words: string, anchor: string, more = ''): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="#333" ${more}>${safe}</text>`;
}

function linear(values: readonly number[], from: number, to: number): Scale {
  const [low, high] = range(values);
  const step = niceStep((high - low) / TICKS);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return {
    place: (value) => from + ((value - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: count }, (_, index) => (first + index) * step),
  };
}

function logarithmic(values: readonly number[], from: number, to: number): Scale {
  const [low, high] = range(values.filter((value) => value > 0).map(Math.log10));
  const [bottom, top] = [Math.floor(low), Math.ceil(high)];
  return {
    place: (value) => from + ((Math.log10(value) - bottom) / (top - bottom)) * (to - from),
    ticks: Array.from({ length: top - bottom + 1 }, (_, index) => 10 ** (bottom + index)),
  };
}

/** Smallest and largest of the numbers among the values, never the same. */
function range(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  return low === high ? [low, low + 1] : [low, high];
}

/** 1, 2 or 5 times a power of ten, at least as large. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}
