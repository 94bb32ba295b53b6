/** The steady e-value written down a second time, straight from its formula. */

/** c·f(k/(n+1)) with c chosen so that the mean over k = 1..n+1 is 1, over 1 + 6/n. */
export function calibratorLike(n: number, k: number): number {
  const f = (p: number) => (p === 1 ? 0.5 : (1 - p + p * Math.log(p)) / (p * Math.log(p) ** 2));
  let sum = 0;
  for (let j = 1; j <= n + 1; j += 1) sum += f(j / (n + 1));
  return (f(k / (n + 1)) * (n + 1)) / sum / (1 + 6 / n);
}
