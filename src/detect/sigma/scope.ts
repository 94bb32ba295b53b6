/** Scopes: the name space of a detector's own state, and the keys of its rules in it. */
import type { Detector } from '../../model/detector.ts';

/** Name space of a detector's correlations: another version keeps a state of its own. */
export function scopeOf({ stem, version }: Pick<Detector, 'stem' | 'version'>): string {
  return `${stem}@${version}`;
}

/** Key of a rule in a scope, as correlations name what they are built on. */
export function ruleKey(scope: string, rule: string): string {
  return `${scope}/${rule}`;
}
