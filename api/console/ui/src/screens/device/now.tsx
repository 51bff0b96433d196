import type { DeviceDetail, LatestReading } from "../../api/wire";
import { useShell } from "../../shell/context";

/** Risk and remaining life of each component as of the newest assessment. */
export function RisksNow({ device }: { device: DeviceDetail }) {
  const { texts, formats } = useShell();
  if (!device.assessed_at) return <p class="faint">{texts.device.notAssessed}</p>;
  return (
    <ul class="plain lines">
      {device.risks.map((risk) => {
        const life = device.lives.find((l) => l.component.id === risk.component.id);
        return (
          <li key={risk.component.id}>
            <span class="first between">
              {risk.component.name}
              <span>{formats.percent(risk.probability)}</span>
            </span>
            <meter min={0} max={1} low={0.3} high={0.6} optimum={0} value={risk.probability} aria-hidden="true" />
            <span class="second between">
              <span>{life ? texts.queue.lifeLeft(formats.hours(life.median)) : texts.queue.noTrend}</span>
              {life && (
                <span title={texts.device.interval(formats.percent(life.level))}>
                  {formats.hours(life.low)} – {formats.hours(life.high)}
                </span>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

export function LatestReadings({ readings }: { readings: LatestReading[] }) {
  const { texts, formats } = useShell();
  return (
    <ul class="plain lines">
      {readings.map((reading) => {
        const { value, alarm } = reading;
        const high = value !== null && alarm !== null && value >= alarm;
        return (
          <li key={reading.quantity}>
            <span class="first between">
              {reading.name}
              <span class={high ? "high" : undefined}>
                {value === null ? texts.device.noValue : formats.value(value, reading.unit)}
              </span>
            </span>
            {alarm !== null && (
              <span class="second">{texts.device.alarmAt(formats.value(alarm, reading.unit))}</span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
