// The fleet table: every device with what the platform thinks of it, the worst first.

import { useQuery } from "../../api/queries";
import type { DeviceSummary, Operations } from "../../api/wire";
import { HealthChip } from "../../parts/chips";
import { ClearFilters, SelectFilter, TextFilter } from "../../parts/filters";
import { useListKeys } from "../../parts/list-keys";
import { Pager, usePaging } from "../../parts/pages";
import { Answered, Empty } from "../../parts/states";
import { useNow, useShell, useTitle } from "../../shell/context";
import type { Place } from "../../shell/router";
import { FleetActions } from "./actions";

type Health = NonNullable<NonNullable<Operations["GET /devices"]["query"]>["health"]>;
const PAGE = 50;
const NAMES = ["health", "product", "site", "q"] as const;

export function FleetScreen({ place }: { place: Place }) {
  const { texts } = useShell();
  useListKeys();
  useTitle(texts.fleet.title);
  const filters = {
    health: place.query.get("health") as Health | null,
    product: place.query.get("product") ?? "",
    site: place.query.get("site") ?? "",
    q: place.query.get("q") ?? "",
  };
  const paging = usePaging(JSON.stringify(filters));
  const query = useQuery("GET /devices", {
    query: { ...filters, cursor: paging.cursor, limit: PAGE },
  });
  const products = useQuery("GET /products", {}).answer?.items ?? [];
  const sites = useQuery("GET /sites", {}).answer?.items ?? [];
  const filtered = NAMES.some((name) => place.query.has(name));
  const heads = texts.fleet.heads;

  return (
    <>
      <header class="list-head">
        <h1>{texts.fleet.title}</h1>
        <FleetActions />
      </header>
      <div class="filters" role="search">
        <SelectFilter
          place={place} name="health" label={texts.fleet.health}
          options={[["", texts.common.all], ...Object.entries(texts.health)]}
        />
        <SelectFilter
          place={place} name="product" label={texts.fleet.product}
          options={[["", texts.common.all], ...products.map((p) => [p.id, p.name] as const)]}
        />
        <SelectFilter
          place={place} name="site" label={texts.fleet.site}
          options={[["", texts.common.all], ...sites.map((s) => [s.id, s.name] as const)]}
        />
        <TextFilter place={place} name="q" label={texts.common.search} hint={texts.fleet.searchHint} />
        <ClearFilters place={place} names={NAMES} />
        <p class="keys-hint">{texts.queue.keys}</p>
      </div>
      <Answered query={query}>
        {(page) =>
          page.items.length ? (
            <>
              <table class="table" aria-label={texts.fleet.list}>
                <thead>
                  <tr>
                    <th scope="col">{heads.device}</th>
                    <th scope="col">{heads.health}</th>
                    <th scope="col" class="wide">{heads.site}</th>
                    <th scope="col" class="wide">{heads.seen}</th>
                    <th scope="col" class="figure wide">{heads.anomaly}</th>
                    <th scope="col" class="figure">{heads.risk}</th>
                    <th scope="col" class="figure wide">{heads.life}</th>
                    <th scope="col" class="figure">{heads.orders}</th>
                  </tr>
                </thead>
                <tbody>
                  {page.items.map((device) => <DeviceRow key={device.id} device={device} />)}
                </tbody>
              </table>
              <Pager paging={paging} page={page} />
            </>
          ) : filtered ? (
            <Empty title={texts.fleet.emptyFiltered} />
          ) : (
            <Empty title={texts.fleet.empty}>{texts.fleet.emptyMore}</Empty>
          )
        }
      </Answered>
    </>
  );
}

function DeviceRow({ device }: { device: DeviceSummary }) {
  const { formats } = useShell();
  const { anomaly_score: anomaly, top_risk: risk, life } = device;
  return (
    <tr>
      <td>
        <a class="first" data-row href={`/devices/${encodeURIComponent(device.id)}`}>{device.id}</a>
        <span class="second">{device.product.name}</span>
      </td>
      <td>
        <HealthChip health={device.health} />
      </td>
      <td class="wide">
        <span class="first">{device.site.name}</span>
        <span class="second">{device.customer.name}</span>
      </td>
      <td class="wide">
        <LastSeen device={device} />
      </td>
      <td class={anomaly !== null && anomaly >= 1 ? "figure high wide" : "figure wide"}>
        {anomaly === null ? "–" : formats.number(anomaly, 2)}
      </td>
      <td class="figure">
        {risk ? (
          <>
            <span class="first">{formats.percent(risk.probability)}</span>
            <span class="second">{risk.component.name}</span>
          </>
        ) : (
          "–"
        )}
      </td>
      <td class="figure wide">
        {life ? (
          <>
            <span class="first">{formats.hours(life.median)}</span>
            <span class="second">{life.component.name}</span>
          </>
        ) : (
          "–"
        )}
      </td>
      <td class="figure">{device.open_orders ? formats.number(device.open_orders) : "–"}</td>
    </tr>
  );
}

/** How long ago, with a word when the device is offline. */
export function LastSeen({ device }: { device: Pick<DeviceSummary, "last_seen" | "online"> }) {
  const { texts, formats } = useShell();
  const now = useNow(5_000);
  if (!device.last_seen) return <span class="faint">{texts.fleet.never}</span>;
  const ago = texts.fleet.ago(formats.duration(Math.max(0, now - Date.parse(device.last_seen))));
  return (
    <>
      <span class="first">{ago}</span>
      <span class={device.online ? "second" : "second out-of-stock"}>
        {device.online ? texts.fleet.online : texts.fleet.offline}
      </span>
    </>
  );
}
