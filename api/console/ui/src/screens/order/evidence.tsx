import { useMemo } from "preact/hooks";
import { useQuery } from "../../api/queries";
import type { OrderDetail } from "../../api/wire";
import { useKept } from "../../charts/kept";
import { contextOf, type Stretch } from "../../charts/range";
import { POINTS, SensorChart } from "../../charts/sensor-chart";
import { TimeChart } from "../../charts/time-chart";
import { isClosed } from "../../parts/sla-clock";
import { useNow, useShell } from "../../shell/context";

const MINUTE = 60_000;
const GRID = 30 * MINUTE; // so that nothing is fetched anew at every tick
const MOST_CHARTS = 4;

/** What speaks for the finding: its quantities with the window marked, and the risk over time. */
export function Evidence({ order }: { order: OrderDetail }) {
  const { texts, formats } = useShell();
  const now = useNow(MINUTE);
  const shown = order.evidence.slice(0, MOST_CHARTS);
  const windows = shown.map((e) => ({ from: Date.parse(e.start), to: Date.parse(e.end) }));
  const window: Stretch = windows.length
    ? { from: Math.min(...windows.map((w) => w.from)), to: Math.max(...windows.map((w) => w.to)) }
    : { from: Date.parse(order.opened_at) - 3 * 86_400_000, to: Date.parse(order.opened_at) };
  const closed = order.history.at(-1)?.ts;
  const end = isClosed(order) && closed ? Date.parse(closed) : Math.floor(now / GRID) * GRID;
  const stretch = useMemo(() => contextOf(window, end), [window.from, window.to, end]);
  const others = [
    ...order.evidence.slice(MOST_CHARTS).map((e) => ({ name: e.name, share: e.share })),
    ...order.evidence_events,
  ];
  return (
    <>
      <ul class="legend">
        <li>
          <i class="swatch mark" /> {texts.order.window}
        </li>
      </ul>
      {shown.map((evidence, i) => (
        <SensorChart
          key={evidence.quantity}
          device={order.device.id}
          quantity={evidence.quantity}
          note={texts.order.evidenceShare(formats.percent(evidence.share))}
          stretch={stretch}
          marked={windows[i] ?? null}
          sync={order.id}
        />
      ))}
      {others.length > 0 && (
        <p class="also">
          {texts.order.alsoSpeaks}:{" "}
          {others.map((e) => `${e.name} (${formats.percent(e.share)})`).join(", ")}
        </p>
      )}
      <RiskCurve order={order} stretch={stretch} marked={window} />
    </>
  );
}

/** The component's failure probability; for an inspection, which names none, the anomaly score. */
function RiskCurve(props: { order: OrderDetail; stretch: Stretch; marked: Stretch }) {
  const { texts, formats } = useShell();
  const { order, stretch, marked } = props;
  const { answer } = useQuery("GET /devices/{device_id}/assessments", {
    path: { device_id: order.device.id },
    query: {
      start: new Date(stretch.from).toISOString(),
      end: new Date(stretch.to).toISOString(),
      points: POINTS,
    },
  });
  const history = useKept(answer);
  const lines = useMemo(() => {
    const risk = history?.risks.find((curve) => curve.component.id === order.component?.id);
    if (risk) return [{ name: risk.component.name, values: risk.probability }];
    return history ? [{ name: texts.device.anomaly, values: history.anomaly }] : [];
  }, [history, order.component?.id, texts]);
  if (!history) return null;
  const common = { ts: history.ts, lines, stretch, marked, sync: order.id };
  return order.component ? (
    <TimeChart
      {...common}
      name={`${texts.device.risk(formats.hours(history.horizon_hours))}: ${order.component.name}`}
      format={formats.percent}
      fixedRange={[0, 1]}
    />
  ) : (
    <TimeChart
      {...common}
      name={texts.device.anomaly}
      format={(value) => formats.number(value, 2)}
      limit={{ name: texts.device.anomalyLimit, value: 1 }}
    />
  );
}
