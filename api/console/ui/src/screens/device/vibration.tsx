import { useState } from "preact/hooks";
import { useQuery } from "../../api/queries";
import type { DeviceDetail, WaveformSummary } from "../../api/wire";
import { SensorChart } from "../../charts/sensor-chart";
import { ZoneChip } from "../../parts/chips";
import { Card } from "../../parts/facts";
import { Pager, usePaging } from "../../parts/pages";
import { Answered } from "../../parts/states";
import { useShell } from "../../shell/context";
import type { Navigation } from "./judgements";
import { WaveformView } from "./waveform";

const LISTED = 6;

/** Indicators over time, the waveforms they come from, and what the chosen one says. */
export function Vibration(props: { device: DeviceDetail; navigation: Navigation; live: boolean }) {
  const { texts } = useShell();
  const { device, navigation, live } = props;
  const indicators = device.quantities.filter((q) => q.waveform !== null);
  const usual = indicators.find((q) => q.quantity.endsWith(".rms_velocity")) ?? indicators[0];
  const [chosen, setChosen] = useState<string | null>(null);
  const quantity = chosen ?? usual?.quantity;
  if (!quantity) return null;
  return (
    <Card title={texts.vibration.title}>
      <div class="filters">
        <label class="filter">
          <span>{texts.vibration.indicator}</span>
          <select value={quantity} onChange={(event) => setChosen(event.currentTarget.value)}>
            {indicators.map((q) => (
              <option key={q.quantity} value={q.quantity}>{q.name}</option>
            ))}
          </select>
        </label>
      </div>
      <SensorChart device={device.id} quantity={quantity} live={live} {...navigation} />
      <Waveforms device={device.id} />
    </Card>
  );
}

function Waveforms({ device }: { device: string }) {
  const { texts } = useShell();
  const paging = usePaging(device);
  const [chosen, setChosen] = useState<string | null>(null);
  const query = useQuery("GET /devices/{device_id}/waveforms", {
    path: { device_id: device },
    query: { limit: LISTED, cursor: paging.cursor },
  });
  return (
    <Answered query={query}>
      {(page) => {
        const shown = page.items.find((item) => item.id === chosen) ?? page.items.find((item) => item.state === "done");
        if (!page.items.length) return <p class="faint">{texts.vibration.empty}</p>;
        return (
          <>
            <WaveformList items={page.items} chosen={shown?.id} onChoose={setChosen} />
            <Pager paging={paging} page={page} />
            {shown && <WaveformView device={device} id={shown.id} />}
          </>
        );
      }}
    </Answered>
  );
}

function WaveformList(props: {
  items: WaveformSummary[];
  chosen: string | undefined;
  onChoose: (id: string) => void;
}) {
  const { texts, formats } = useShell();
  const { vibration } = texts;
  return (
    <div class="waveforms figures" tabIndex={0} role="region" aria-label={vibration.list}>
      <table class="table">
        <caption class="unseen">{vibration.list}</caption>
        <thead>
          <tr>
            <th scope="col">{vibration.taken}</th>
            <th scope="col">{vibration.sensor}</th>
            <th scope="col" class="figure">{vibration.velocity}</th>
            <th scope="col">ISO 20816</th>
            <th scope="col">{vibration.says}</th>
          </tr>
        </thead>
        <tbody>
          {props.items.map((item) => (
            <tr key={item.id}>
              <th scope="row">
                <button
                  class="quiet" aria-pressed={item.id === props.chosen} disabled={item.state === "failed"}
                  onClick={() => props.onChoose(item.id)}
                >
                  {formats.dateTime(item.ts)}
                </button>
              </th>
              <td>{item.source.name}</td>
              <td class="figure">{item.rms_velocity === null ? "–" : formats.value(item.rms_velocity, "mm/s")}</td>
              <td>{item.zone ? <ZoneChip zone={item.zone} /> : <span class="faint">{vibration.noZone}</span>}</td>
              <td>
                {item.state === "done" ? (
                  <span class={item.fault ? "high" : "faint"}>{vibration.finding[item.fault ?? "none"]}</span>
                ) : (
                  <span class="faint" title={item.error}>{vibration[item.state]}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
