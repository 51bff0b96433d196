// Line icons on a 20 × 20 grid; decoration only, a text always stands beside or behind them.

const PATHS = {
  purna: "M2 11.5h3.2L7.5 5l4 11 2.6-6.5 1.4 2H18",
  queue: "M3 5h2M3 10h2M3 15h2M8 5h9M8 10h9M8 15h9",
  fleet: "M3 4h6v5H3zM11 4h6v5h-6zM3 11h6v5H3zM11 11h6v5h-6z",
  model: "M3 16c3 0 3-11 7-11s4 11 7 11M3 16h14",
  quarantine: "M10 3l7 13H3zM10 8v4M10 14v.1",
  people: "M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM4 17c0-3.5 2.5-5.5 6-5.5s6 2 6 5.5",
  visit: "M12.5 3.5a4 4 0 0 0-4.8 5L3 13.2V17h3.8l4.7-4.7a4 4 0 0 0 5-4.8l-2.4 2.4-3-.9-.9-3z",
  shipment: "M3 6.5L10 3l7 3.5v7L10 17l-7-3.5zM3 6.5l7 3.5 7-3.5M10 10v7",
  left: "M12.5 4L6.5 10l6 6",
  right: "M7.5 4l6 6-6 6",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  shield: "M10 3l6 2v5c0 3.5-2.5 6-6 7-3.5-1-6-3.5-6-7V5z",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4l3 2",
  check: "M4 10.5l4 4 8-9",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
