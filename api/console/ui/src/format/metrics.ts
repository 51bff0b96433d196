// A model card's metrics as tables: one row per component and horizon, one column per metric.

export interface MetricTable {
  columns: string[];
  rows: { name: string; cells: (number | null)[] }[];
}

type Numbers = Record<string, number>;

/** Groups with the same metrics share a table; single numbers stand in a table of one row. */
export function metricTables(metrics: Record<string, unknown>): MetricTable[] {
  const tables = new Map<string, MetricTable>();
  const single = numbersOf(metrics);
  const groups: [string, Numbers][] = Object.entries(metrics)
    .filter(([, value]) => value !== null && typeof value === "object")
    .map(([name, value]) => [name, numbersOf(value as object)]);
  for (const [name, numbers] of [["", single] as [string, Numbers], ...groups]) {
    const keys = Object.keys(numbers);
    if (!keys.length) continue;
    const table = tables.get(keys.join()) ?? { columns: keys.map(words), rows: [] };
    table.rows.push({ name: groupName(name), cells: keys.map((key) => numbers[key] ?? null) });
    tables.set(keys.join(), table);
  }
  return [...tables.values()];
}

function numbersOf(group: object): Numbers {
  return Object.fromEntries(Object.entries(group).filter(([, value]) => typeof value === "number"));
}

/** `bearing@168` is "bearing, 168 h". */
function groupName(key: string): string {
  return words(key).replace(/@(\d+)$/, ", $1 h");
}

function words(key: string): string {
  return key.replaceAll("_", " ");
}
