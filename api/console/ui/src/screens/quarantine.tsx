// The quarantine: for the firmware author to see what the platform could not take in, and why.

import { useState } from "preact/hooks";
import { send } from "../api/client";
import { invalidate, useQuery } from "../api/queries";
import type { RejectedEntry } from "../api/wire";
import { FormDialog } from "../parts/dialog";
import { ClearFilters, TextFilter } from "../parts/filters";
import { Pager, usePaging } from "../parts/pages";
import { Answered, Empty } from "../parts/states";
import { useShell, useTitle } from "../shell/context";
import { go, type Place, withQuery } from "../shell/router";

/** The platform takes messages in again once a second. */
const LOOK_AGAIN_MS = 3_000;

const NAMES = ["device", "code", "q"] as const;

export function QuarantineScreen({ place }: { place: Place }) {
  const { texts } = useShell();
  useTitle(texts.quarantine.title);
  const filters = {
    device: place.query.get("device") ?? "",
    code: place.query.get("code") ?? "",
    q: place.query.get("q") ?? "",
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
        <TextFilter place={place} name="q" label={texts.quarantine.text} hint="bearing_temp" />
        <ClearFilters place={place} names={NAMES} />
      </div>
      <Reasons place={place} filters={filters} />
      <Answered query={query}>
        {(page) =>
          page.items.length ? (
            <>
              <Replaying filters={filters} total={page.total} />
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
          ) : NAMES.some((name) => filters[name]) ? (
            <Empty title={texts.quarantine.emptyFiltered} />
          ) : (
            <Empty title={texts.quarantine.empty} />
          )
        }
      </Answered>
    </>
  );
}

type Filters = Record<(typeof NAMES)[number], string>;

/** How many messages for which reason; a click shows only those. */
function Reasons({ place, filters }: { place: Place; filters: Filters }) {
  const { texts, formats } = useShell();
  const { device, q } = filters;
  const query = useQuery("GET /quarantine/counts", { query: { device, q } });
  if (!query.answer?.length) return null;
  return (
    <nav class="reasons" aria-label={texts.quarantine.counts}>
      {query.answer.map(({ code, count }) => (
        <button
          key={code} class="quiet" aria-pressed={filters.code === code}
          onClick={() => go(withQuery(place, { code: filters.code === code ? "" : code }))}
        >
          <code>{code}</code> {formats.number(count)}
        </button>
      ))}
    </nav>
  );
}

/** After a fix: what the filter shows goes through the line once more. */
function Replaying({ filters, total }: { filters: Filters; total: number }) {
  const { texts, formats } = useShell();
  const [asking, setAsking] = useState(false);
  const [asked, setAsked] = useState<number | null>(null);
  return (
    <p class="after">
      <button onClick={() => setAsking(true)}>{texts.quarantine.replay}</button>{" "}
      <span role="status">
        {asked !== null && texts.quarantine.replayed(formats.number(asked))}
      </span>
      {asking && (
        <FormDialog
          title={texts.quarantine.replayTitle}
          submit={texts.quarantine.replay}
          onClose={() => setAsking(false)}
          onSubmit={async () => {
            const answer = await send("POST /quarantine/replay", { body: filters });
            setAsked(answer.asked);
            setTimeout(() => invalidate("/quarantine"), LOOK_AGAIN_MS);
          }}
        >
          {() => <p>{texts.quarantine.replayText(formats.number(total))}</p>}
        </FormDialog>
      )}
    </p>
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
