/** Simulated units: four skewed sources with correlation, dependence, gaps, ties and shifts. */

/** Uniforms in [0, 1), seeded by the caller. */
export type Uniform = () => number;

/** Sources of a unit. */
export const SOURCES = 4;

/** What a cell's units are like. */
export interface UnitLaw {
  /** Pairwise correlation of the underlying normals. */
  readonly rho: number;
  /** Autocorrelation from unit to unit of an agent; 0: none. */
  readonly phi: number;
  /** Share of the variance that the units of a session have in common; 0: none. */
  readonly icc: number;
  /** Units per session, for `icc`. */
  readonly session: number;
  /** How often the first source says nothing. */
  readonly missing: number;
  /** Share of units that score the same lowest value. */
  readonly ties: number;
}

/** Units as they come, independent of each other. */
export const PLAIN: UnitLaw = { rho: 0, phi: 0, icc: 0, session: 1, missing: 0, ties: 0 };

/** Draws one agent's units, in order. */
export interface UnitSource {
  /** The next unit's scores, NaN where a source is missing. `shift`: per source, in sd. */
  next(into: Float64Array, shift: ArrayLike<number> | null): void;
}

/** Standard normals from uniforms, both values of each Box–Muller pair. */
export function normals(uniform: Uniform): () => number {
  let spare = Number.NaN;
  return () => {
    if (!Number.isNaN(spare)) {
      const value = spare;
      spare = Number.NaN;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** A new agent's units under a law. */
export function unitsOf(law: UnitLaw, uniform: Uniform, normal: () => number): UnitSource {
  const { rho, phi, icc, session, missing, ties } = law;
  // Five streams: what the sources share, then what each has of its own.
  const values = Float64Array.from({ length: SOURCES + 1 }, () => normal());
  const sessionMean = new Float64Array(SOURCES + 1);
  const [common, own] = [Math.sqrt(rho), Math.sqrt(1 - rho)];
  const [held, kept] = [Math.sqrt(icc), Math.sqrt(1 - icc)];
  const fresh = Math.sqrt(1 - phi * phi);
  // Ties: everything below this normal becomes one value.
  const floor = ties > 0 ? normalQuantile(ties) : Number.NEGATIVE_INFINITY;
  let count = 0;
  return {
    next(into, shift) {
      if (icc > 0 && count % session === 0)
        for (let at = 0; at <= SOURCES; at += 1) sessionMean[at] = normal();
      count += 1;
      for (let at = 0; at <= SOURCES; at += 1) {
        if (phi > 0) values[at] = phi * (values[at] as number) + fresh * normal();
        else if (icc > 0) values[at] = held * (sessionMean[at] as number) + kept * normal();
        else values[at] = normal();
      }
      const shared = common * (values[SOURCES] as number);
      for (let at = 0; at < SOURCES; at += 1) {
        const z = shared + own * (values[at] as number) + (shift === null ? 0 : (shift[at] ?? 0));
        into[at] = skewed(at, Math.max(z, floor));
      }
      if (missing > 0 && uniform() < missing) into[0] = Number.NaN;
    },
  };
}

/** The four shapes that metrics of agents have: log-normal, normal, heavy, counted. */
export function skewed(source: number, z: number): number {
  if (source === 0) return Math.exp(z);
  if (source === 1) return z;
  if (source === 2) return Math.max(z, -3) ** 3 + z;
  return Math.floor(Math.exp(1.2 * z));
}

/** Quantile of the standard normal, by bisection on its series; error below 1e-9 for .001 to .999. */
export function normalQuantile(p: number): number {
  let low = -6;
  let high = 6;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function normalCdf(z: number): number {
  let term = z;
  let sum = z;
  for (let k = 1; k < 200 && Math.abs(term) > 1e-16; k += 1) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + sum * Math.exp((-z * z) / 2 - 0.9189385332046727);
}
