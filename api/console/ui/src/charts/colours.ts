// Colours of the stylesheet as the canvas needs them, for the appearance in use.

import { useEffect, useReducer } from "preact/hooks";

/** The present value of a colour variable such as `--line-1`. */
export function colour(variable: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${variable})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** A number that changes with the appearance: canvases must then be drawn anew. */
export function useAppearance(): number {
  const [count, changed] = useReducer((n: number, _: Event) => n + 1, 0);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", changed);
    addEventListener("purna:theme", changed);
    return () => {
      dark.removeEventListener("change", changed);
      removeEventListener("purna:theme", changed);
    };
  }, []);
  return count;
}
