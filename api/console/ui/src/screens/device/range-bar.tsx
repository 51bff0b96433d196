import { Icon } from "../../parts/icon";
import { useShell } from "../../shell/context";

const RANGES = [1, 7, 30, 180] as const;

/** The time range of all charts, also without a mouse. `days` is null while a zoom is on. */
export function RangeBar(props: {
  days: number | null;
  onDays: (days: number) => void;
  onShift: (direction: -1 | 1) => void;
  onScale: (factor: number) => void;
  onReset: () => void;
}) {
  const { texts } = useShell();
  const { device } = texts;
  return (
    <div class="range-bar">
      <div class="segments" role="group" aria-label={device.range}>
        {RANGES.map((days) => (
          <button key={days} aria-pressed={props.days === days} onClick={() => props.onDays(days)}>
            {device.ranges[days]}
          </button>
        ))}
      </div>
      <div class="segments">
        <button aria-label={device.earlier} title={device.earlier} onClick={() => props.onShift(-1)}>
          <Icon name="left" />
        </button>
        <button aria-label={device.zoomIn} title={device.zoomIn} onClick={() => props.onScale(0.5)}>
          <Icon name="plus" />
        </button>
        <button aria-label={device.zoomOut} title={device.zoomOut} onClick={() => props.onScale(2)}>
          <Icon name="minus" />
        </button>
        <button
          aria-label={device.later} title={device.later}
          disabled={props.days !== null} onClick={() => props.onShift(1)}
        >
          <Icon name="right" />
        </button>
      </div>
      {props.days === null ? (
        <button class="quiet" onClick={props.onReset}>{device.reset}</button>
      ) : (
        <p class="hint">{device.zoomHint}</p>
      )}
    </div>
  );
}
