/** Memory: how far back the answers of a detector look, so that a new version can warm up. */
import type { Detector } from '../model/detector.ts';
import { durationMs } from '../model/duration.ts';
import { linkFile } from './sigma/correlating.ts';

/**
 * Event time after which a detector that began with nothing answers as one that was always there, ms.
 * Correlations: their timespans added up, for one may stand on another, and twice where something must
 * not have been before. Kinds: the window `within` which they count, or the time `after` which they
 * speak. Everything else judges what it is shown: 0.
 */
export function memoryMs({ sigma, params }: Pick<Detector, 'sigma' | 'params'>): number {
  if (sigma !== null) {
    const where = { file: '', lineOf: () => null };
    const texts = sigma.correlations.map((document) => ({ document, where }));
    return linkFile('', sigma, texts).rules.reduce((sum, { timespanMs, conjuncts }) => {
      const isNegated = conjuncts?.some(({ absent }) => absent.length > 0) ?? false;
      return sum + timespanMs * (isNegated ? 2 : 1);
    }, 0);
  }
  const { within, after } = (params ?? {}) as {
    readonly within?: unknown;
    readonly after?: unknown;
  };
  const length = within ?? after;
  return typeof length === 'string' ? durationMs(length) : 0;
}
