/** Fleet evidence: which of many agents to suspect (e-BH), and a stream to confirm (e-LOND). */

/**
 * e-BH: the largest set whose e-values all reach m / (q·k), k its size.
 * Claim: false discovery rate <= q under any dependence, if each value is an e-value at one fixed
 * time. Parameters: values - e-values >= 0, one per agent; q in (0, 1], default .1.
 * Returns indices, largest e first, ties by index. Cost: O(m log m).
 * Reference: Wang and Ramdas, False discovery rate control with e-values (2022).
 * @example eBh([50, 1, 25, 0.5], 0.1) // [0, 2]
 */
export function eBh(values: readonly number[], q = 0.1): number[] {
  const order = values.map((_, at) => at);
  order.sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
  let size = 0;
  order.forEach((at, place) => {
    if ((values[at] as number) >= values.length / (q * (place + 1))) size = place + 1;
  });
  return order.slice(0, size);
}

/** State of an e-LOND stream. Plain JSON. */
export interface Stream {
  /** Values seen. */
  t: number;
  /** Values confirmed. */
  confirmed: number;
}

/**
 * e-LOND: confirms the next value of a stream, or does not.
 * Claim: false discovery rate <= q at every time under any dependence of valid e-values.
 * Parameters: stream - changed in place, begin with { t: 0, confirmed: 0 }; e >= 0; q, default .1.
 * The bar rises with t (411 at t = 5, 6,580 at t = 20 without a discovery): begin anew every day.
 * Cost: O(1). Reference: Xu and Ramdas, Online multiple testing with e-values (2024).
 * @example eLond({ t: 0, confirmed: 0 }, 17) // true
 */
export function eLond(stream: Stream, e: number, q = 0.1): boolean {
  stream.t += 1;
  const bar = eLondBar(stream.t, stream.confirmed, q);
  if (e < bar) return false;
  stream.confirmed += 1;
  return true;
}

/** The e-value that the t-th value needs after `confirmed` discoveries. */
export function eLondBar(t: number, confirmed: number, q = 0.1): number {
  return (Math.PI * Math.PI * t * t) / (6 * q * (confirmed + 1));
}
