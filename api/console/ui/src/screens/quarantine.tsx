// The quarantine: for the firmware author to see what the platform could not take in, and why.

import { useQuery } from "../api/queries";
import type { RejectedEntry } from "../api/wire";
import { ClearFilters, TextFilter } from "../parts/filters";
import { Pager, usePaging } from "../parts/pages";
import { Answered, Empty } from "../parts/states";
import { useShell, useTitle } from "../shell/context";
import type { Place } from "../shell/router";

const NAMES = ["device", "code"] as const;

export function QuarantineScreen({ place }: { place: Place }) {
  const { texts } = useShell();
  useTitle(texts.quarantine.title);
  const filters = {
    device: place.query.get("device") ?? "",
    code: place.query.get("code") ?? "",
  };
  const paging = usePaging(JSON.stringify(filters));
  const query = useQuery("GET /quarantine", { query: { ...filters, cursor: paging.cursor } });
  const heads = texts.quarantine.heads;
  return (
    <>
      <h1>{texts.quarantine.title}</h1>
      <p class="intro">{texts.quarantine.intro}</p>
      <div class="filters" role="search">
        <TextFilter place={place} name="device" label={texts.quarantine.device} hint="pump-0042" />
        <TextFilter place={place} name="code" label={texts.quarantine.code} hint="unit.mismatch" />
        <ClearFilters place={place} names={NAMES} />
      </div>
      <Answered query={query}>
        {(page) =>
          page.items.length ? (
            <>
              <table class="table quarantine">
                <thead>
                  <tr>
                    <th scope="col">{heads.received}</th>
                    <th scope="col">{heads.device}</th>
                    <th scope="col">{heads.reason}</th>
                    <th scope="col">{heads.payload}</th>
                  </tr>
                </thead>
                <tbody>
                  {page.items.map((entry) => <RejectedRow key={entry.id} entry={entry} />)}
                </tbody>
              </table>
              <Pager paging={paging} page={page} />
            </>
          ) : filters.device || filters.code ? (
            <Empty title={texts.quarantine.emptyFiltered} />
          ) : (
            <Empty title={texts.quarantine.empty} />
          )
        }
      </Answered>
    </>
  );
}

function RejectedRow({ entry }: { entry: RejectedEntry }) {
  const { texts, formats } = useShell();
  return (
    <tr>
      <td>{formats.dateTime(entry.received)}</td>
      <td>
        <span class="first">{entry.device || "–"}</span>
        <code class="second">{entry.topic}</code>
      </td>
      <td>
        <code class="first">{entry.code}</code>
        <span class="second">{entry.hint}</span>
      </td>
      <td class="payload">
        <details>
          <summary>{texts.quarantine.size(formats.number(entry.size))}</summary>
          {entry.encoding === "base64" && <p class="hint">{texts.quarantine.base64}</p>}
          <pre tabIndex={0}>{entry.payload}</pre>
        </details>
      </td>
    </tr>
  );
}
