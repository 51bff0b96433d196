// The dispatcher's start page: what is to be done, the most pressing first.

import { useQuery } from "../../api/queries";
import type { Operations } from "../../api/wire";
import { CheckFilter, ClearFilters, SelectFilter, TextFilter } from "../../parts/filters";
import { useListKeys } from "../../parts/list-keys";
import { Pager, usePaging } from "../../parts/pages";
import { Answered, Empty } from "../../parts/states";
import { useShell, useTitle } from "../../shell/context";
import type { Place } from "../../shell/router";
import { OrderRow } from "./order-row";
import { SummaryStrip } from "./summary-strip";

type Filters = NonNullable<Operations["GET /orders"]["query"]>;
const PAGE = 50;
const NAMES = ["state", "kind", "priority", "overdue", "q"] as const;

export function QueueScreen({ place }: { place: Place }) {
  const { texts } = useShell();
  useListKeys();
  useTitle(texts.queue.title);
  const state = place.query.get("state") ?? "open";
  const filters = {
    state: (state === "all" ? null : state) as NonNullable<Filters["state"]> | null,
    kind: place.query.get("kind") as NonNullable<Filters["kind"]> | null,
    priority: place.query.get("priority") as NonNullable<Filters["priority"]> | null,
    overdue: place.query.has("overdue"),
    q: place.query.get("q") ?? "",
  };
  const paging = usePaging(JSON.stringify(filters));
  const query = useQuery("GET /orders", {
    query: { ...filters, cursor: paging.cursor, limit: PAGE },
  });
  const filtered = NAMES.some((name) => place.query.has(name));

  return (
    <>
      <h1 class="unseen">{texts.queue.title}</h1>
      <SummaryStrip />
      <div class="filters" role="search">
        <SelectFilter
          place={place} name="state" label={texts.queue.state} standard="open"
          options={[...Object.entries(texts.state), ["all", texts.common.all]]}
        />
        <SelectFilter
          place={place} name="kind" label={texts.queue.kind}
          options={[["", texts.common.all], ...Object.entries(texts.kind)]}
        />
        <SelectFilter
          place={place} name="priority" label={texts.queue.priority}
          options={[["", texts.common.all], ...Object.entries(texts.priority)]}
        />
        <CheckFilter place={place} name="overdue" label={texts.queue.overdue} />
        <TextFilter place={place} name="q" label={texts.common.search} hint={texts.queue.searchHint} />
        <ClearFilters place={place} names={NAMES} />
        <p class="keys-hint">{texts.queue.keys}</p>
      </div>
      <Answered query={query}>
        {(page) =>
          page.items.length ? (
            <>
              <div class="queue">
                <div class="row heads" aria-hidden="true">
                  {Object.entries(texts.queue.heads).map(([name, text]) => (
                    <span key={name} class={`cell-${name}`}>{text}</span>
                  ))}
                </div>
                <ol aria-label={texts.queue.list}>
                  {page.items.map((order) => <OrderRow key={order.id} order={order} />)}
                </ol>
              </div>
              <Pager paging={paging} page={page} />
            </>
          ) : filtered ? (
            <Empty title={texts.queue.emptyFiltered} />
          ) : (
            <Empty title={texts.queue.emptyOpen}>{texts.queue.emptyOpenMore}</Empty>
          )
        }
      </Answered>
    </>
  );
}
