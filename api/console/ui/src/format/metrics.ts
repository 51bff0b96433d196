// A model card's metrics, which may be nested, as rows of a name and a value.

export type MetricRow = [name: string, value: number | string];

export function metricRows(metrics: Record<string, unknown>, before = ""): MetricRow[] {
  return Object.entries(metrics).flatMap(([key, value]): MetricRow[] => {
    const name = before ? `${before} · ${words(key)}` : words(key);
    if (typeof value === "number" || typeof value === "string") return [[name, value]];
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      return metricRows(value as Record<string, unknown>, name);
    }
    return [];
  });
}

function words(key: string): string {
  return key.replaceAll("_", " ");
}
