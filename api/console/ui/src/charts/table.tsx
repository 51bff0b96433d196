import { useState } from "preact/hooks";
import { useShell } from "../shell/context";
import { spread } from "./data";
import type { Along, Line } from "./time-chart";

const MOST_ROWS = 120;

/** The chart's numbers for those who cannot see it or want to read them. */
export function ChartTable(props: {
  ts: readonly number[];
  lines: readonly Line[];
  format: (value: number) => string;
  along?: Along | undefined;
}) {
  const { texts, formats } = useShell();
  const [open, setOpen] = useState(false);
  const { ts, lines, format, along } = props;
  const cell = (value: number | null | undefined) =>
    value === null || value === undefined ? "–" : format(value);
  return (
    <details class="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{texts.chart.table}</summary>
      {open && (
        <div class="scroll" tabIndex={0} role="region" aria-label={texts.chart.table}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{along?.name ?? texts.chart.time}</th>
                {lines.map((line) => (
                  <>
                    {line.low && <th scope="col" class="figure">{texts.chart.low}</th>}
                    <th scope="col" class="figure">{line.name}</th>
                    {line.high && <th scope="col" class="figure">{texts.chart.high}</th>}
                  </>
                ))}
              </tr>
            </thead>
            <tbody>
              {spread(ts.length, MOST_ROWS).map((i) => (
                <tr key={i}>
                  <th scope="row">{(along?.format ?? formats.dateTime)(ts[i] ?? 0)}</th>
                  {lines.map((line) => (
                    <>
                      {line.low && <td class="figure">{cell(line.low[i])}</td>}
                      <td class="figure">{cell(line.values[i])}</td>
                      {line.high && <td class="figure">{cell(line.high[i])}</td>}
                    </>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
