import { useMemo } from "preact/hooks";
import { useQuery } from "../api/queries";
import { unitSign } from "../format/formats";
import { Failure, Loading } from "../parts/states";
import { useShell } from "../shell/context";
import { useKept } from "./kept";
import type { Stretch } from "./range";
import { TimeChart } from "./time-chart";

export const POINTS = 700;

/** One quantity of a device, fetched at the resolution that the stretch needs. */
export function SensorChart(props: {
  device: string;
  quantity: string;
  stretch: Stretch;
  /** A live chart asks for everything up to now. */
  live?: boolean;
  shaded?: readonly Stretch[];
  marked?: Stretch | null;
  note?: string;
  sync?: string;
  onZoom?: (from: number, to: number) => void;
  onReset?: () => void;
}) {
  const { device, quantity, stretch, live = false, ...rest } = props;
  const { texts, formats } = useShell();
  const query = useQuery("GET /devices/{device_id}/readings", {
    path: { device_id: device },
    query: {
      quantity,
      start: new Date(stretch.from).toISOString(),
      end: live ? null : new Date(stretch.to).toISOString(),
      points: POINTS,
    },
  });
  const series = useKept(query.answer);
  const lines = useMemo(() => {
    if (!series) return [];
    const { name, mean, low, high, step_seconds } = series;
    return [step_seconds ? { name, values: mean, low, high } : { name, values: mean }];
  }, [series]);
  if (!series) {
    return query.error ? (
      <Failure error={query.error} texts={texts} onRetry={query.reload} />
    ) : (
      <Loading texts={texts} />
    );
  }
  const { alarm } = series;
  return (
    <TimeChart
      {...rest}
      name={[series.name, unitSign(series.unit)].filter(Boolean).join(", ")}
      ts={series.ts}
      lines={lines}
      stretch={stretch}
      format={(value) => formats.value(value, "1")}
      limit={alarm === null ? null : { name: texts.chart.alarm, value: alarm }}
    />
  );
}
