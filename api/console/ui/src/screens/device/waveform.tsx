import { useMemo, useState } from "preact/hooks";
import { useQuery } from "../../api/queries";
import type { Line, Verdict, WaveformDetail } from "../../api/wire";
import { zigzag } from "../../charts/data";
import { useKept } from "../../charts/kept";
import type { Stretch } from "../../charts/range";
import { type Along, type Mark, TimeChart } from "../../charts/time-chart";
import { unitSign } from "../../format/formats";
import { ZoneChip } from "../../parts/chips";
import { Facts } from "../../parts/facts";
import { Failure, Loading } from "../../parts/states";
import { useShell } from "../../shell/context";

const POINTS = 1_000;
const FAULTS = ["bpfo", "bpfi", "bsf", "ftf"] as const;
type Fault = (typeof FAULTS)[number];
const NAMED: Partial<Record<Verdict["finding"], Fault>> = {
  outer_race: "bpfo", inner_race: "bpfi", rolling_element: "bsf",
};

/** One waveform: what it says of each bearing, its curves, and the figures behind them. */
export function WaveformView({ device, id }: { device: string; id: string }) {
  const { texts } = useShell();
  const query = useQuery("GET /devices/{device_id}/waveforms/{waveform_id}", {
    path: { device_id: device, waveform_id: id },
    query: { points: POINTS },
  });
  const waveform = useKept(query.answer);
  if (query.error && query.answer === undefined) {
    return <Failure error={query.error} texts={texts} onRetry={query.reload} />;
  }
  return waveform ? <Waveform waveform={waveform} /> : <Loading texts={texts} />;
}

function Waveform({ waveform }: { waveform: WaveformDetail }) {
  const { texts, formats } = useShell();
  const { vibration } = texts;
  const named = waveform.verdicts.map((v) => NAMED[v.finding]).find((fault) => fault !== undefined);
  const [chosen, setChosen] = useState<Fault | null>(null);
  const fault = chosen ?? named ?? "bpfo";
  const hz = (value: number) => `${formats.value(value, "1")} Hz`;
  const { speed_hz: speed } = waveform;
  return (
    <section class="waveform">
      <header>
        <h3>{formats.dateTime(waveform.ts)}</h3>
        {waveform.zone && <ZoneChip zone={waveform.zone} />}
        <span class="faint">
          {vibration.facts(formats.value(waveform.seconds, "s"), hz(waveform.rate_hz))}
          {speed !== null && `, ${vibration.speed(hz(speed), `${formats.number(speed * 60)} rpm`)}`}
        </span>
      </header>
      {waveform.verdicts.map((verdict) => (
        <p key={verdict.bearing.id}>
          {verdict.bearing.name}:{" "}
          <span class={verdict.finding in NAMED || verdict.finding === "raised" ? "finding high" : "finding"}>
            {vibration.finding[verdict.finding]}.
          </span>{" "}
          {verdict.why && <span class="faint">{vibration.why[verdict.why]}</span>}
        </p>
      ))}
      <Curves waveform={waveform} fault={fault} />
      {waveform.verdicts.some((verdict) => verdict.lines.length) && (
        <>
          <div class="segments" role="group" aria-label={vibration.marks}>
            {FAULTS.map((one) => (
              <button key={one} aria-pressed={one === fault} onClick={() => setChosen(one)}>
                {vibration.mark[one]}
              </button>
            ))}
          </div>
          {waveform.verdicts.map((verdict) => (
            <Evidence key={verdict.bearing.id} verdict={verdict} />
          ))}
        </>
      )}
      <details>
        <summary>{vibration.indicators}</summary>
        <div class="indicators">
          <Facts
            rows={waveform.indicators.map(({ name, value, unit, alarm }) => [
              name,
              <span class={alarm !== null && value >= alarm ? "high" : undefined}>{formats.value(value, unit)}</span>,
            ])}
          />
        </div>
      </details>
    </section>
  );
}

function Curves({ waveform, fault }: { waveform: WaveformDetail; fault: Fault }) {
  const { texts, formats } = useShell();
  const { vibration } = texts;
  const { signal, spectrum, envelope } = waveform;
  const unit = unitSign(waveform.unit);
  const trace = useMemo(() => zigzag(signal.ts, signal.low, signal.high), [signal]);
  const milliseconds: Along = { name: vibration.timeInside, format: (value) => `${formats.number(value, 1)} ms` };
  const hertz: Along = { name: vibration.frequency, format: (value) => `${formats.number(value, 1)} Hz` };
  const marks = useMemo(() => marksOf(waveform, fault, vibration.mark[fault]), [waveform, fault, vibration]);
  const format = (value: number) => formats.value(value, "1");
  return (
    <>
      <Curve name={[vibration.signal, unit].join(", ")} xs={trace.ts} values={trace.values[0] ?? []} along={milliseconds} format={format} />
      <Curve name={[vibration.spectrum, unit].join(", ")} xs={spectrum.hz} values={spectrum.value} along={hertz} format={format} />
      {envelope && (
        <Curve name={vibration.envelope} xs={envelope.hz} values={envelope.value} along={hertz} format={format} marks={marks} />
      )}
    </>
  );
}

/** A curve that can be zoomed by itself. */
function Curve(props: {
  name: string;
  xs: readonly number[];
  values: readonly (number | null)[];
  along: Along;
  format: (value: number) => string;
  marks?: readonly Mark[];
}) {
  const { name, xs, values, ...rest } = props;
  const [zoomed, setZoomed] = useState<Stretch | null>(null);
  const lines = useMemo(() => [{ name, values }], [name, values]);
  return (
    <TimeChart
      {...rest}
      name={name}
      ts={xs}
      lines={lines}
      stretch={zoomed ?? { from: xs[0] ?? 0, to: xs.at(-1) ?? 1 }}
      onZoom={(from, to) => setZoomed({ from, to })}
      onReset={() => setZoomed(null)}
    />
  );
}

/** Where the multiples of a fault were found; where the shaft has a line there is none. */
function marksOf(waveform: WaveformDetail, fault: Fault, label: string): Mark[] {
  return waveform.verdicts.flatMap((verdict) =>
    verdict.lines
      .filter((line) => line.fault === fault)
      .flatMap((line) =>
        line.harmonics.flatMap((ratio, i) =>
          ratio === null ? [] : [{ at: (i + 1) * line.found_hz, label: i ? `${i + 1}×` : label }],
        ),
      ),
  );
}

function Evidence({ verdict }: { verdict: Verdict }) {
  const { texts, formats } = useShell();
  const { vibration } = texts;
  if (!verdict.lines.length) return null;
  const called = `${vibration.evidence}: ${verdict.bearing.name}`;
  const hz = (value: number) => `${formats.number(value, 1)} Hz`;
  const ratio = (value: number | null) => (value === null ? "–" : formats.number(value, 1));
  const cells = (line: Line) => [
    hz(line.expected_hz), hz(line.found_hz),
    line.harmonics.map(ratio).join(" · "), ratio(line.sidebands), formats.number(line.score, 2),
  ];
  return (
    <div class="figures" tabIndex={0} role="region" aria-label={called}>
      <table class="table">
        <caption class="unseen">{called}</caption>
        <thead>
          <tr>
            <th scope="col">{vibration.part}</th>
            {[vibration.expected, vibration.found, vibration.multiples, vibration.sidebands, vibration.score].map((head) => (
              <th key={head} scope="col" class="figure">{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {verdict.lines.map((line) => (
            <tr key={line.fault}>
              <th scope="row" class={NAMED[verdict.finding] === line.fault ? "high" : undefined}>
                {vibration.fault[line.fault]}
              </th>
              {cells(line).map((cell, i) => (
                <td key={i} class="figure">{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
