import { useRef } from "preact/hooks";

/** The newest answer there is: while a new stretch loads, the old picture stays. */
export function useKept<T>(answer: T | undefined): T | undefined {
  const kept = useRef(answer);
  if (answer !== undefined) kept.current = answer;
  return kept.current;
}
