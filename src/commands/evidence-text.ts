/** Evidence levels for people: what each source carries, and who abstains for it. */
import type { SourceConfig } from '../model/config/source.ts';
import type { Detector } from '../model/detector.ts';
import { EVIDENCE_LEVELS, type EvidenceLevel } from '../model/event.ts';
import { type SourceLevels, usualOf } from '../record/levels.ts';
import { safe } from './output.ts';

const NAMED_MAX = 12;

/** A detector that has no source left with the content it needs. */
export interface Abstaining {
  readonly stem: string;
  readonly needs: EvidenceLevel;
  /** The most that sources of its kinds usually carry. */
  readonly reaches: EvidenceLevel;
}

/**
 * Detectors that need more than any measured source of their kinds usually carries, by stem. Sources that were
 * not measured yet count for nothing and against nobody: a detector without any measured one is not listed.
 */
export function abstainingBy(
  levels: readonly SourceLevels[],
  sources: readonly SourceConfig[],
  detectors: readonly Detector[],
): readonly Abstaining[] {
  const usual = new Map(levels.map(({ source, counts }) => [source, usualOf(counts)]));
  const found: Abstaining[] = [];
  for (const { stem, needs } of detectors) {
    const ranks = sources
      .filter(({ kinds }) => kinds.some((kind) => needs.sources.includes(kind)))
      .flatMap(({ name }) => usual.get(name) ?? []);
    const best = Math.max(...ranks);
    if (ranks.length === 0 || best >= EVIDENCE_LEVELS.indexOf(needs.evidence)) continue;
    const reaches = EVIDENCE_LEVELS[best] as EvidenceLevel;
    found.push({ stem, needs: needs.evidence, reaches });
  }
  return found.sort((a, b) => (a.stem < b.stem ? -1 : 1));
}

/** One line for each source, then the detectors that abstain. */
export function levelLines(
  levels: readonly SourceLevels[],
  abstaining: readonly Abstaining[],
): string[] {
  const lines = levels.map(({ source, hourMs, counts, agents, below }) => {
    const hour = `${new Date(hourMs).toISOString().slice(0, 13).replace('T', ' ')}h`;
    const few = below.map(
      ({ agent, counts: own }) => `${safe(agent, 60)} ${EVIDENCE_LEVELS[usualOf(own)]}`,
    );
    const rest = few.length === 0 ? '' : `; below it: ${few.join(', ')}`;
    return `Evidence of ${safe(source, 60)}, ${hour}, ${agents} agents: ${sharesOf(counts)}${rest}`;
  });
  const byNeed = Map.groupBy(abstaining, ({ needs, reaches }) => `${needs}, ${reaches}`);
  for (const own of byNeed.values()) {
    const [first] = own;
    if (first === undefined) continue;
    const named = own.slice(0, NAMED_MAX).map(({ stem }) => stem);
    const more = own.length > NAMED_MAX ? ` and ${own.length - NAMED_MAX} more` : '';
    lines.push(
      `Abstaining for want of ${first.needs}, where ${first.reaches} is usual: ${own.length} detectors (${named.join(', ')}${more})`,
    );
  }
  return lines;
}

/** Shares of the levels that occur, highest first. */
function sharesOf(counts: readonly number[]): string {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const shares = counts.map((count, at) => [EVIDENCE_LEVELS[at], count] as const).reverse();
  return shares
    .filter(([, count]) => count > 0)
    .map(([level, count]) => `${level} ${Math.round((count / total) * 100)} %`)
    .join(', ');
}
