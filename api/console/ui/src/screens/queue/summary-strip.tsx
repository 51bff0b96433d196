import { useQuery } from "../../api/queries";
import { useShell } from "../../shell/context";

interface Figure {
  name: string;
  value: string;
  /** The list behind the number. */
  href?: string;
  mood?: "bad" | "warn" | undefined;
}

/** The numbers above the queue. The needless rate keeps the platform honest. */
export function SummaryStrip() {
  const { texts, formats } = useShell();
  const { answer } = useQuery("GET /summary", {});
  if (!answer) return <div class="summary" aria-hidden="true" />;
  const { summary } = texts;
  const count = (value: number) => formats.number(value);
  const needless = answer.completed_90d ? answer.needless_90d / answer.completed_90d : null;
  const figures: Figure[] = [
    { name: summary.proposed, value: count(answer.proposed), href: "/?state=proposed" },
    { name: summary.accepted, value: count(answer.accepted) },
    {
      name: summary.overdue, value: count(answer.overdue), href: "/?overdue=true",
      mood: answer.overdue ? "bad" : undefined,
    },
    {
      name: summary.act, value: count(answer.devices_act), href: "/fleet?health=act",
      mood: answer.devices_act ? "warn" : undefined,
    },
    { name: summary.watch, value: count(answer.devices_watch), href: "/fleet?health=watch" },
    { name: summary.online, value: summary.of(count(answer.devices_online), count(answer.devices)) },
    { name: summary.needless, value: needless === null ? "–" : formats.percent(needless) },
    { name: summary.failures, value: count(answer.failures_90d) },
  ];
  return (
    <dl class="summary" aria-label={summary.label}>
      {figures.map(({ name, value, href, mood }) => (
        <div key={name} class={mood}>
          <dt>{name}</dt>
          <dd>{href ? <a href={href} aria-label={`${name}: ${value}`}>{value}</a> : value}</dd>
        </div>
      ))}
    </dl>
  );
}
