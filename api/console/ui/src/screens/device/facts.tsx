import { useQuery } from "../../api/queries";
import type { DeviceDetail } from "../../api/wire";
import { Facts } from "../../parts/facts";
import { Answered } from "../../parts/states";
import { useShell } from "../../shell/context";
import { ModelVersions } from "../order/facts";

export function AlertList({ alerts }: { alerts: DeviceDetail["alerts"] }) {
  const { texts, formats } = useShell();
  const states: Record<string, string> = texts.device.alertState;
  if (!alerts.length) return <p class="faint">{texts.device.noAlerts}</p>;
  return (
    <ul class="plain lines">
      {alerts.map((alert) => (
        <li key={alert.id}>
          <span class="first between">
            {alert.order ? <a href={`/orders/${encodeURIComponent(alert.order)}`}>{alert.failure_mode.name}</a> : alert.failure_mode.name}
            <span class="faint">{states[alert.state] ?? alert.state}</span>
          </span>
          <span class="second">{texts.device.since(formats.dateTime(alert.opened_at))}</span>
        </li>
      ))}
    </ul>
  );
}

export function OrderList({ orders }: { orders: DeviceDetail["orders"] }) {
  const { texts } = useShell();
  if (!orders.length) return <p class="faint">{texts.device.noOrders}</p>;
  return (
    <ul class="plain inline">
      {orders.map((order) => (
        <li key={order.id}>
          <a href={`/orders/${encodeURIComponent(order.id)}`}>{order.name}</a>
        </li>
      ))}
    </ul>
  );
}

export function MaintenanceList({ entries }: { entries: DeviceDetail["maintenance"] }) {
  const { texts, formats } = useShell();
  if (!entries.length) return <p class="faint">{texts.device.noMaintenance}</p>;
  return (
    <ul class="plain lines">
      {entries.map((entry, i) => (
        <li key={i}>
          <span class="first between">
            {entry.component.name}
            <span class={entry.failed ? "high" : "faint"}>
              {entry.failed ? texts.device.failed : texts.device.preventive}
            </span>
          </span>
          <span class="second">
            {formats.date(entry.ts)}
            {entry.source && ` · ${entry.source}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function EventList({ device }: { device: string }) {
  const { texts, formats } = useShell();
  const query = useQuery("GET /devices/{device_id}/events", {
    path: { device_id: device },
    query: { limit: 10 },
  });
  return (
    <Answered query={query}>
      {({ items }) =>
        items.length ? (
          <ul class="plain lines">
            {items.map((event, i) => (
              <li key={i}>
                <span class="first between">
                  <code>{event.code}</code>
                  <span class="faint">{formats.dateTime(event.ts)}</span>
                </span>
                {event.text && <span class="second">{event.text}</span>}
              </li>
            ))}
          </ul>
        ) : (
          <p class="faint">{texts.device.noEvents}</p>
        )
      }
    </Answered>
  );
}

export function Attributes({ device }: { device: DeviceDetail }) {
  const { texts, formats } = useShell();
  return (
    <Facts
      rows={[
        [texts.device.serial, device.serial],
        [texts.device.installed, formats.date(device.installed_at)],
        [texts.device.warranty, formats.date(device.warranty_until)],
        ...Object.entries(device.attributes).map(([name, value]): [string, string] => [
          name.replaceAll("_", " "),
          typeof value === "number" ? formats.number(value, 2) : value,
        ]),
        [texts.device.assessed, device.assessed_at && formats.dateTime(device.assessed_at)],
        [texts.device.models, Object.keys(device.models).length > 0 && <ModelVersions key="m" models={device.models} />],
      ]}
    />
  );
}
