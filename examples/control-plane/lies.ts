/** Lying on request: which requests a control plane treats dishonestly, chosen by a seed. */
import { parseObject } from './request.ts';

/** Everything a control plane may do instead of its work. */
export const LIE_MODES = [
  'honest',
  'accept-and-ignore',
  'slow',
  'fail',
  'lose-reply',
  'approval',
] as const;
/** One of LIE_MODES. */
export type LieMode = (typeof LIE_MODES)[number];

/** How to lie: which way, to which share of requests, with which luck. */
export interface Lie {
  readonly mode: LieMode;
  /** 0..1 of the requests. */
  readonly share: number;
  readonly seed: number;
  /** How slow `slow` is, ms. */
  readonly delayMs: number;
}

/** No lie at all. */
export const HONEST: Lie = { mode: 'honest', share: 0, seed: 1, delayMs: 1_000 };

/** The lie asked for, or what is wrong with it. */
export function readLie(body: string): Lie | string {
  const asked = parseObject(body);
  if (asked === null) return 'the body is not a JSON object';
  const mode = LIE_MODES.find((known) => known === asked['mode']);
  if (mode === undefined) return `mode must be one of ${LIE_MODES.join(', ')}`;
  const share = asked['share'] ?? 1;
  const seed = asked['seed'] ?? 1;
  const delayMs = asked['delayMs'] ?? HONEST.delayMs;
  if (typeof share !== 'number' || share < 0 || share > 1) return 'share must be within 0..1';
  if (!Number.isSafeInteger(seed)) return 'seed must be an integer';
  if (typeof delayMs !== 'number' || delayMs < 0 || delayMs > 60_000) {
    return 'delayMs must be within 0..60000';
  }
  return { mode, share, seed: Number(seed), delayMs };
}

/** For each further request the way it is treated: the same seed gives the same choices. */
export function createChooser(lie: Lie): () => LieMode {
  let state = lie.seed >>> 0;
  return () => {
    // mulberry32: small, and good enough to decide whom to lie to.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    const drawn = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    return drawn < lie.share ? lie.mode : 'honest';
  };
}
