// From the API's columns to what a chart draws and a reader hears. Pure.

export type Values = readonly (number | null)[];

export interface Columns {
  ts: readonly number[];
  values: readonly Values[];
}

/** Insert an empty point into every gap longer than three usual steps, so that lines break there. */
export function breakGaps(ts: readonly number[], values: readonly Values[]): Columns {
  const usual = medianStep(ts);
  if (usual === 0) return { ts, values };
  const outTs: number[] = [];
  const out: (number | null)[][] = values.map(() => []);
  ts.forEach((at, i) => {
    const before = ts[i - 1];
    if (before !== undefined && at - before > 3 * usual) {
      outTs.push(before + usual);
      out.forEach((column) => column.push(null));
    }
    outTs.push(at);
    out.forEach((column, c) => column.push(values[c]?.[i] ?? null));
  });
  return { ts: outTs, values: out };
}

function medianStep(ts: readonly number[]): number {
  const steps = ts.slice(1).map((at, i) => at - (ts[i] ?? at));
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? 0;
}

export interface Extent {
  low: number;
  high: number;
  last: number;
}

/** Smallest, largest and last value; null when there is none. */
export function extentOf(values: Values): Extent | null {
  let extent: Extent | null = null;
  for (const value of values) {
    if (value === null) continue;
    extent = extent
      ? { low: Math.min(extent.low, value), high: Math.max(extent.high, value), last: value }
      : { low: value, high: value, last: value };
  }
  return extent;
}

/** The position of the largest value; 0 when there is none. */
export function strongest(values: Values): number {
  let best = 0;
  values.forEach((value, i) => {
    if (value !== null && value > (values[best] ?? -Infinity)) best = i;
  });
  return best;
}

/** Lowest and highest of each bucket as one line that touches both. */
export function zigzag(ts: readonly number[], low: readonly number[], high: readonly number[]): Columns {
  const half = ts.length > 1 ? ((ts[1] ?? 0) - (ts[0] ?? 0)) / 2 : 0;
  if (low.every((value, i) => value === high[i])) return { ts, values: [low] };
  return {
    ts: ts.flatMap((at) => [at, at + half]),
    values: [low.flatMap((value, i) => [value, high[i] ?? value])],
  };
}

/** Positions of at most `most` rows, evenly spread, the first and the last among them. */
export function spread(length: number, most: number): number[] {
  if (length <= most) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (length - 1)) / (most - 1)));
}

/** The value axis: all values, the limit too, and a little air. */
export function axisRange(columns: readonly Values[], limit: number | null): [number, number] {
  const extents = columns.map(extentOf).filter((extent) => extent !== null);
  const lows = extents.map((extent) => extent.low);
  const highs = extents.map((extent) => extent.high);
  if (limit !== null) {
    lows.push(limit);
    highs.push(limit);
  }
  if (!lows.length) return [0, 1];
  const [low, high] = [Math.min(...lows), Math.max(...highs)];
  const air = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low >= 0 && low - air < 0 ? 0 : low - air, high + air];
}
