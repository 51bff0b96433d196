// Paging by cursor: the way back is a list of the cursors that led here.

import { useEffect, useState } from "preact/hooks";
import { useShell } from "../shell/context";

export interface Paging {
  cursor: string | null;
  /** Items before this page. */
  before: number;
  first: boolean;
  forward: (cursor: string, shown: number) => void;
  back: () => void;
}

/** Starts at the first page again whenever `filters` changes. */
export function usePaging(filters: string): Paging {
  const [steps, setSteps] = useState<{ cursor: string; before: number }[]>([]);
  const [of, setOf] = useState(filters);
  useEffect(() => {
    setSteps([]);
    setOf(filters);
  }, [filters]);
  const at = of === filters ? steps.at(-1) : undefined;
  return {
    cursor: at?.cursor ?? null,
    before: at?.before ?? 0,
    first: !at,
    forward: (cursor, shown) => {
      setSteps([...steps, { cursor, before: (at?.before ?? 0) + shown }]);
      scrollTo(0, 0);
    },
    back: () => setSteps(steps.slice(0, -1)),
  };
}

export function Pager(props: {
  paging: Paging;
  page: { items: readonly unknown[]; next_cursor?: string | null; total: number };
}) {
  const { texts, formats } = useShell();
  const { paging, page } = props;
  const next = page.next_cursor;
  if (paging.first && !next) return null;
  const shown = texts.common.shown(
    formats.number(paging.before + 1),
    formats.number(paging.before + page.items.length),
    formats.number(page.total),
  );
  return (
    <div class="pager">
      <button disabled={paging.first} onClick={paging.back}>{texts.common.previous}</button>
      <span role="status">{shown}</span>
      <button disabled={!next} onClick={() => next && paging.forward(next, page.items.length)}>
        {texts.common.next}
      </button>
    </div>
  );
}
