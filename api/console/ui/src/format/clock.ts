// The platform's time in the browser: counted on from the server's, at the server's speed.

export interface PlatformClock {
  /** Milliseconds since the epoch that the server gave. */
  serverMs: number;
  /** Platform seconds per real second. */
  speed: number;
  /** Monotonic milliseconds of the browser when the answer came. */
  readAt: number;
}

export function platformNow(clock: PlatformClock, monotonicMs: number): number {
  return clock.serverMs + (monotonicMs - clock.readAt) * clock.speed;
}
