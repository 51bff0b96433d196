// One device: what it measures, what the models say of it, what was done with it.

import { useState } from "preact/hooks";
import { useQuery } from "../../api/queries";
import type { DeviceDetail } from "../../api/wire";
import { useKept } from "../../charts/kept";
import { lastDays, scaled, selected, shifted, type Stretch } from "../../charts/range";
import { POINTS, SensorChart } from "../../charts/sensor-chart";
import { HealthChip } from "../../parts/chips";
import { Card } from "../../parts/facts";
import { Answered } from "../../parts/states";
import { useNow, useShell, useTitle } from "../../shell/context";
import { LastSeen } from "../fleet/screen";
import { Commands } from "./commands";
import { Connection } from "./connection";
import { AlertList, Attributes, EventList, MaintenanceList, OrderList } from "./facts";
import { Judgements, type Navigation } from "./judgements";
import { LatestReadings, RisksNow } from "./now";
import { RangeBar } from "./range-bar";
import { Vibration } from "./vibration";

export function DeviceScreen({ id }: { id: string }) {
  const query = useQuery("GET /devices/{device_id}", { path: { device_id: id } });
  return <Answered query={query}>{(device) => <DevicePage device={device} />}</Answered>;
}

const START_DAYS = 30;

function DevicePage({ device }: { device: DeviceDetail }) {
  const { texts } = useShell();
  useTitle(device.id);
  const now = useNow(5_000);
  const [days, setDays] = useState(START_DAYS);
  const [fixed, setFixed] = useState<Stretch | null>(null);
  const live = fixed === null;
  const stretch = fixed ?? lastDays(days, now);

  const { answer } = useQuery("GET /devices/{device_id}/assessments", {
    path: { device_id: device.id },
    query: {
      start: new Date(stretch.from).toISOString(),
      end: live ? null : new Date(stretch.to).toISOString(),
      points: POINTS,
    },
  });
  const history = useKept(answer);
  const shaded = (history?.anomaly_spans ?? []).map((span) => ({
    from: Date.parse(span.start), to: Date.parse(span.end),
  }));
  const measured = device.quantities.filter((quantity) => quantity.waveform === null);
  const navigation: Navigation = {
    stretch,
    sync: device.id,
    onZoom: (from, to) => setFixed(selected(from, to, now)),
    onReset: () => setFixed(null),
  };

  return (
    <article class="device-page">
      <p class="crumbs">
        <a href="/fleet">{texts.fleet.title}</a> / {device.id}
      </p>
      <header class="page-head">
        <div>
          <p class="chips">
            <HealthChip health={device.health} />
            <span>{device.product.name}</span>
          </p>
          <h1>{device.id}</h1>
          <p class="reason">
            {device.site.name} · {device.customer.name}
          </p>
        </div>
        <div class="page-side">
          <p>
            <span class="second">{texts.device.seen}</span>
            <LastSeen device={device} />
          </p>
        </div>
      </header>
      <div class="columns">
        <div class="column-main">
          <RangeBar
            days={live ? days : null}
            onDays={(chosen) => { setDays(chosen); setFixed(null); }}
            onShift={(direction) => setFixed(shifted(stretch, direction, now))}
            onScale={(factor) => setFixed(scaled(stretch, factor, now))}
            onReset={() => setFixed(null)}
          />
          <Card title={texts.device.states}>
            <Judgements history={history} navigation={navigation} shaded={shaded} />
          </Card>
          <Card title={texts.device.sensors}>
            {measured.map(({ quantity }) => (
              <SensorChart
                key={quantity} device={device.id} quantity={quantity}
                live={live} shaded={shaded} {...navigation}
              />
            ))}
          </Card>
          <Vibration device={device} navigation={navigation} live={live} />
        </div>
        <div class="column-side">
          <Card title={texts.device.risks}>
            <RisksNow device={device} />
          </Card>
          <Card title={texts.device.alerts}>
            <AlertList alerts={device.alerts} />
          </Card>
          <Card title={texts.device.orders}>
            <OrderList orders={device.orders} />
          </Card>
          <Card title={texts.device.latest}>
            <LatestReadings readings={measured} />
          </Card>
          <Commands device={device.id} />
          <Connection device={device} />
          <Card title={texts.device.maintenance}>
            <MaintenanceList entries={device.maintenance} />
          </Card>
          <Card title={texts.device.events}>
            <EventList device={device.id} />
          </Card>
          <Card title={texts.device.attributes}>
            <Attributes device={device} />
          </Card>
        </div>
      </div>
    </article>
  );
}
