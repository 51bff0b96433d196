import { useMemo } from "preact/hooks";
import type { AssessmentHistory } from "../../api/wire";
import { extentOf } from "../../charts/data";
import type { Stretch } from "../../charts/range";
import { TimeChart } from "../../charts/time-chart";
import { Loading } from "../../parts/states";
import { useShell } from "../../shell/context";

/** What all charts of a device share: the stretch and how to change it. */
export interface Navigation {
  stretch: Stretch;
  sync: string;
  onZoom: (from: number, to: number) => void;
  onReset: () => void;
}

const LIFE_STEPS = [1, 6, 12, 24, 48, 120, 240, 480, 720, 1_440, 2_160, 4_320, 8_640, 17_280];

/** What the models said over time: failure risk, remaining life with its interval, anomaly. */
export function Judgements(props: {
  history: AssessmentHistory | undefined;
  navigation: Navigation;
  shaded: readonly Stretch[];
}) {
  const { texts, formats } = useShell();
  const { history, navigation, shaded } = props;
  const drawn = useMemo(() => history && linesOf(history, texts.device.anomaly), [history, texts]);
  if (!history || !drawn) return <Loading texts={texts} />;
  if (!history.ts.length) return <p class="faint">{texts.chart.noData}</p>;
  const common = { ts: history.ts, shaded, ...navigation };
  return (
    <>
      {drawn.risks.length > 0 && (
        <TimeChart
          {...common}
          name={texts.device.risk(formats.hours(history.horizon_hours))}
          lines={drawn.risks}
          format={formats.percent}
          fixedRange={[0, 1]}
        />
      )}
      {drawn.lives.map((line) => (
        <TimeChart
          key={line.name} {...common}
          name={texts.device.life(line.name)}
          lines={[line]}
          format={formats.hours}
          steps={LIFE_STEPS}
        />
      ))}
      {!drawn.lives.length && <p class="faint">{texts.device.noLife}</p>}
      <TimeChart
        {...common}
        name={texts.device.anomaly}
        lines={drawn.anomaly}
        format={(value) => formats.number(value, 2)}
        limit={{ name: texts.device.anomalyLimit, value: 1 }}
      />
    </>
  );
}

function linesOf(history: AssessmentHistory, anomaly: string) {
  return {
    risks: history.risks.map((curve) => ({ name: curve.component.name, values: curve.probability })),
    lives: history.lives
      .filter((curve) => extentOf(curve.median) !== null)
      .map(({ component, median, low, high }) => ({ name: component.name, values: median, low, high })),
    anomaly: [{ name: anomaly, values: history.anomaly }],
  };
}
