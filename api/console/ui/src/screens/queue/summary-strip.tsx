import { useQuery } from "../../api/queries";
import { useShell } from "../../shell/context";

/** The numbers above the queue. The needless rate keeps the platform honest. */
export function SummaryStrip() {
  const { texts, formats } = useShell();
  const { answer } = useQuery("GET /summary", {});
  if (!answer) return <div class="summary" aria-hidden="true" />;
  const needless = answer.completed_90d ? answer.needless_90d / answer.completed_90d : null;
  const numbers: [string, string, string?][] = [
    [texts.summary.proposed, formats.number(answer.proposed)],
    [texts.summary.accepted, formats.number(answer.accepted)],
    [texts.summary.overdue, formats.number(answer.overdue), answer.overdue ? "bad" : undefined],
    [texts.summary.act, formats.number(answer.devices_act), answer.devices_act ? "warn" : undefined],
    [texts.summary.watch, formats.number(answer.devices_watch)],
    [
      texts.summary.online,
      texts.summary.of(formats.number(answer.devices_online), formats.number(answer.devices)),
    ],
    [texts.summary.needless, needless === null ? "–" : formats.percent(needless)],
    [texts.summary.failures, formats.number(answer.failures_90d)],
  ] as [string, string, string?][];
  return (
    <dl class="summary" aria-label={texts.summary.label}>
      {numbers.map(([name, value, mood]) => (
        <div key={name} class={mood}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
