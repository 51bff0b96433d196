// Filters of a list: they live in the address, so a filtered list can be sent to a colleague.

import { useEffect, useRef, useState } from "preact/hooks";
import { useShell } from "../shell/context";
import { go, type Place, withQuery } from "../shell/router";

const TYPING_MS = 250;

export function SelectFilter(props: {
  place: Place;
  name: string;
  label: string;
  options: readonly (readonly [value: string, text: string])[];
  /** Shown when the address says nothing. */
  standard?: string;
}) {
  const { place, name, label, options, standard = "" } = props;
  return (
    <label class="filter">
      <span>{label}</span>
      <select
        value={place.query.get(name) ?? standard}
        onChange={(event) => {
          const { value } = event.currentTarget;
          go(withQuery(place, { [name]: value === standard ? "" : value }), { replace: true });
        }}
      >
        {options.map(([value, text]) => (
          <option key={value} value={value}>{text}</option>
        ))}
      </select>
    </label>
  );
}

export function CheckFilter({ place, name, label }: { place: Place; name: string; label: string }) {
  return (
    <label class="choice filter-check">
      <input
        type="checkbox"
        checked={place.query.has(name)}
        onChange={(event) => {
          const value = event.currentTarget.checked ? "true" : "";
          go(withQuery(place, { [name]: value }), { replace: true });
        }}
      />
      {label}
    </label>
  );
}

export function TextFilter(props: { place: Place; name: string; label: string; hint: string }) {
  const { place, name, label, hint } = props;
  const inAddress = place.query.get(name) ?? "";
  const [text, setText] = useState(inAddress);
  const sent = useRef(inAddress);
  useEffect(() => {
    if (inAddress === sent.current) return; // somebody else changed it: Back, or "Clear filters"
    sent.current = inAddress;
    setText(inAddress);
  }, [inAddress]);
  useEffect(() => {
    if (text.trim() === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text.trim();
      go(withQuery(place, { [name]: sent.current }), { replace: true });
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="filter filter-text">
      <span>{label}</span>
      <input
        type="search"
        value={text}
        placeholder={hint}
        data-search
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

export function ClearFilters({ place, names }: { place: Place; names: readonly string[] }) {
  const { texts } = useShell();
  if (!names.some((name) => place.query.has(name))) return null;
  const cleared = Object.fromEntries(names.map((name) => [name, ""]));
  return (
    <button class="quiet" onClick={() => go(withQuery(place, cleared), { replace: true })}>
      {texts.common.clear}
    </button>
  );
}
