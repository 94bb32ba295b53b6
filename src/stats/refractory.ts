/** A score that has just spoken must outdo itself before it speaks again. */

/** Plain data: the fading memory of the largest score. */
export interface Refractory {
  memory: number;
}

/** Share of the remembered peak that a score must exceed, and what is left of it a step later. */
export interface RefractoryShape {
  /** 0 lets everything through, 1 only new peaks. */
  readonly bar: number;
  /** 1 never forgets. .995 halves the memory in 138 steps. */
  readonly fade: number;
}

/** A memory of nothing. */
export function createRefractory(): Refractory {
  return { memory: 0 };
}

/**
 * What of a score is news: `max(0, v − bar·m)`, then `m ← max(fade·m, v)`.
 * Claim: never above v and never below 0; a plateau of height v yields v once and then about
 * (1 − bar)·v. One change therefore makes one alarm, not one per row until the reference has
 * caught up with it.
 * Parameters: v - finite, >= 0; bar, fade - in [0, 1].
 * Cost: constant. Reference: statistics chapter §12.3.
 * @example news({ memory: 8 }, 8, { bar: 0.5, fade: 0.5 }) // 4
 */
export function news(state: Refractory, v: number, shape: RefractoryShape): number {
  const fresh = Math.max(0, v - shape.bar * state.memory);
  state.memory = Math.max(shape.fade * state.memory, v);
  return fresh;
}
