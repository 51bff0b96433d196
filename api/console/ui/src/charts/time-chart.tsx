// The console's one chart: lines over time, or along another axis, with bands, limits and marks.

import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useShell } from "../shell/context";
import { colour, useAppearance } from "./colours";
import { axisRange, breakGaps, extentOf, strongest, type Values } from "./data";
import type { Stretch } from "./range";
import { ChartTable } from "./table";
import { timeTicks } from "./ticks";

export interface Line {
  name: string;
  values: Values;
  /** Drawn as a band behind the line. */
  low?: Values;
  high?: Values;
}

/** An axis that is not time. */
export interface Along {
  /** Heads the column in the table. */
  name: string;
  format: (value: number) => string;
}

/** A place on the axis with a name. */
export interface Mark {
  at: number;
  label: string;
}

export interface TimeChartProps {
  name: string;
  /** Milliseconds, or whatever `along` says. */
  ts: readonly number[];
  lines: readonly Line[];
  stretch: Stretch;
  format: (value: number) => string;
  limit?: { name: string; value: number } | null;
  /** Anomalous stretches. */
  shaded?: readonly Stretch[];
  /** The stretch that a finding looked at. */
  marked?: Stretch | null;
  along?: Along;
  marks?: readonly Mark[];
  fixedRange?: [number, number];
  /** Distances between the ticks of the value axis, for units that are not decimal. */
  steps?: readonly number[];
  /** Said beside the name. */
  note?: string;
  /** Charts with the same key show the cursor at the same time. */
  sync?: string;
  onZoom?: (from: number, to: number) => void;
  onReset?: () => void;
}

const HEIGHT = 132;
const LINE_COLOURS = 6;

export function TimeChart(props: TimeChartProps) {
  const { texts, formats, language } = useShell();
  const { name, lines, stretch, format } = props;
  const appearance = useAppearance();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const readouts = useRef<(HTMLElement | null)[]>([]);
  const columns = useMemo(() => {
    const values = lines.flatMap((line) => [line.values, ...(line.low && line.high ? [line.low, line.high] : [])]);
    return props.along ? { ts: props.ts, values } : breakGaps(props.ts, values);
  }, [props.ts, lines]);
  const now = useRef({ props, columns });
  now.current = { props, columns };
  const shape = lines.map((line) => (line.low ? "band" : "line")).join();

  const showReadouts = (position: number | null | undefined) => {
    now.current.props.lines.forEach((line, i) => {
      const element = readouts.current[i];
      if (!element) return;
      element.textContent = readout(now.current, i, line, position);
    });
  };

  useEffect(() => {
    const element = holder.current;
    if (!element || !shape) return;
    const chart = new uPlot(options(now, element.clientWidth, language, showReadouts), dataOf(now.current.columns), element);
    plot.current = chart;
    const observer = new ResizeObserver(() =>
      chart.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [shape, appearance, language]);

  useEffect(() => {
    plot.current?.setData(dataOf(columns));
    showReadouts(null);
  }, [columns, stretch.from, stretch.to, props.limit?.value, props.shaded, props.marked, props.marks, language]);

  const empty = lines.every((line) => extentOf(line.values) === null);
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-name">{name}</span>
        {lines.map((line, i) => (
          <span key={line.name} class="chart-value">
            {lines.length > 1 && <i class={`swatch line-${(i % LINE_COLOURS) + 1}`} />}
            {lines.length > 1 && `${line.name} `}
            <output ref={(element) => void (readouts.current[i] = element)} />
          </span>
        ))}
        {props.limit && (
          <span class="chart-limit">
            {props.limit.name} {format(props.limit.value)}
          </span>
        )}
        {props.note && <span class="chart-note">{props.note}</span>}
      </figcaption>
      <div class="chart-frame">
        <div ref={holder} class="chart-canvas" role="img" aria-label={spoken(props, texts, formats)} />
        {empty && <p class="chart-empty">{texts.chart.noData}</p>}
      </div>
      {!empty && <ChartTable ts={props.ts} lines={lines} format={format} along={props.along} />}
    </figure>
  );
}

type Now = { current: { props: TimeChartProps; columns: ReturnType<typeof breakGaps> } };

function dataOf(columns: Now["current"]["columns"]): uPlot.AlignedData {
  return [columns.ts, ...columns.values] as uPlot.AlignedData;
}

/** The column of a line among all columns: each line with a band takes three. */
function columnOf(lines: readonly Line[], index: number): number {
  return lines.slice(0, index).reduce((n, line) => n + (line.low && line.high ? 3 : 1), 0);
}

function valueAt({ props, columns }: Now["current"], index: number, position: number): number | null {
  return columns.values[columnOf(props.lines, index)]?.[position] ?? null;
}

/** What stands beside the name: the value under the cursor, else the last or the strongest one. */
function readout(now: Now["current"], index: number, line: Line, position: number | null | undefined): string {
  const { along, format } = now.props;
  const pointed = position !== null && position !== undefined;
  if (!along) {
    const value = pointed ? valueAt(now, index, position) : (line.values.at(-1) ?? null);
    return value === null ? "–" : format(value);
  }
  const place = pointed ? position : strongest(line.values);
  const value = line.values[place] ?? null;
  return value === null ? "–" : `${format(value)} · ${along.format(now.columns.ts[place] ?? 0)}`;
}

function options(
  now: Now,
  width: number,
  language: "en" | "id",
  onCursor: (position: number | null | undefined) => void,
): uPlot.Options {
  const { lines, sync, steps, along } = now.current.props;
  const [grid, ink] = [colour("--grid"), colour("--ink-2")];
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  lines.forEach((line, i) => {
    const n = (i % LINE_COLOURS) + 1;
    series.push({ stroke: colour(`--line-${n}`), width: 1.5, points: { show: false }, spanGaps: false });
    if (!line.low || !line.high) return;
    const first = series.length;
    series.push({ stroke: "transparent", width: 0, points: { show: false } });
    series.push({ stroke: "transparent", width: 0, points: { show: false } });
    bands.push({ series: [first + 1, first], fill: colour(`--band-${n}`) });
  });
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width,
    height: HEIGHT,
    ms: 1,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    series,
    bands,
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: Boolean(now.current.props.onZoom), y: false, setScale: false },
      bind: { dblclick: () => () => { now.current.props.onReset?.(); return null; } },
      ...(sync ? { sync: { key: sync, setSeries: false } } : {}),
    },
    scales: {
      x: { time: !along, range: () => [now.current.props.stretch.from, now.current.props.stretch.to] },
      y: {
        range: () =>
          now.current.props.fixedRange ??
          axisRange(now.current.columns.values, now.current.props.limit?.value ?? null),
      },
    },
    axes: [
      { ...axis, size: 26, space: 70, values: (_u, splits, _a, _s, step) => along ? splits.map(along.format) : timeTicks(splits, step, language) },
      { ...axis, size: 48, space: 28, ...(steps ? { incrs: [...steps] } : {}), values: (_u, splits) => splits.map((value) => now.current.props.format(value)) },
    ],
    hooks: {
      drawClear: [(u) => { shade(u, now.current.props); }],
      draw: [(u) => { drawLimit(u, now.current.props); drawMarks(u, now.current.props); }],
      setCursor: [(u) => { onCursor(u.cursor.idx); }],
      setSelect: [
        (u) => {
          const { left, width: wide } = u.select;
          if (wide < 4) return;
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          now.current.props.onZoom?.(u.posToVal(left, "x"), u.posToVal(left + wide, "x"));
        },
      ],
    },
  };
}

function shade(u: uPlot, { shaded = [], marked = null }: TimeChartProps): void {
  for (const stretch of shaded) fillStretch(u, stretch, colour("--shade"));
  if (marked) fillStretch(u, marked, colour("--mark"));
}

function fillStretch(u: uPlot, { from, to }: Stretch, fill: string): void {
  const { left, top, width, height } = u.bbox;
  const begin = Math.max(left, u.valToPos(from, "x", true));
  const end = Math.min(left + width, u.valToPos(to, "x", true));
  if (end <= begin) return;
  u.ctx.save();
  u.ctx.fillStyle = fill;
  u.ctx.fillRect(begin, top, Math.max(2, end - begin), height);
  u.ctx.restore();
}

function drawLimit(u: uPlot, { limit }: TimeChartProps): void {
  if (!limit) return;
  const y = Math.round(u.valToPos(limit.value, "y", true));
  u.ctx.save();
  u.ctx.strokeStyle = colour("--limit");
  u.ctx.lineWidth = devicePixelRatio;
  u.ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  u.ctx.beginPath();
  u.ctx.moveTo(u.bbox.left, y);
  u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
  u.ctx.stroke();
  u.ctx.restore();
}

/** Dashed uprights with their labels on top; a label that would cover the one before is left out. */
function drawMarks(u: uPlot, { marks = [], stretch }: TimeChartProps): void {
  const { top, height } = u.bbox;
  u.ctx.save();
  u.ctx.strokeStyle = u.ctx.fillStyle = colour("--line-2");
  u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  u.ctx.textBaseline = "top";
  u.ctx.lineWidth = devicePixelRatio;
  u.ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  let free = -Infinity;
  for (const { at, label } of [...marks].sort((a, b) => a.at - b.at)) {
    if (at < stretch.from || at > stretch.to) continue;
    const x = Math.round(u.valToPos(at, "x", true));
    u.ctx.beginPath();
    u.ctx.moveTo(x, top);
    u.ctx.lineTo(x, top + height);
    u.ctx.stroke();
    if (x < free) continue;
    u.ctx.fillText(label, x + 3 * devicePixelRatio, top);
    free = x + u.ctx.measureText(label).width + 8 * devicePixelRatio;
  }
  u.ctx.restore();
}

/** What a chart shows, in words. */
function spoken(
  { name, ts, lines, stretch, format, along, marks = [], shaded = [] }: TimeChartProps,
  texts: ReturnType<typeof useShell>["texts"],
  formats: ReturnType<typeof useShell>["formats"],
): string {
  const sentences = lines.flatMap((line) => {
    const extent = extentOf(line.values);
    if (!extent) return [];
    const called = lines.length > 1 ? `${name}, ${line.name}` : name;
    if (along) {
      const at = along.format(ts[strongest(line.values)] ?? 0);
      return texts.chart.strongest(called, along.format(stretch.from), along.format(stretch.to), format(extent.high), at);
    }
    return texts.chart.summary(
      called, formats.dateTime(stretch.from), formats.dateTime(stretch.to),
      format(extent.low), format(extent.high), format(extent.last),
    );
  });
  if (!sentences.length) return `${name}. ${texts.chart.noData}`;
  if (along && marks.length) {
    sentences.push(texts.chart.marked(marks.map((mark) => `${mark.label} ${along.format(mark.at)}`).join(", ")));
  }
  if (shaded.length) sentences.push(texts.chart.anomalies(formats.number(shaded.length)));
  return sentences.join(" ");
}
