/** Matcher: many rules against one event, those of other log sources left out. */
import type { LogSource, SigmaRule } from '../../model/sigma.ts';
import { compileRule } from './compile.ts';
import type { Holds } from './tests.ts';
import type { EventView } from './view.ts';

/** Many rules, compiled together. */
export interface Matcher {
  /** Indexes of the rules that match, ascending. */
  match(view: EventView, source: LogSource): readonly number[];
  /** The same without any index: every rule is evaluated. Rules of other sources are still left out. */
  scan(view: EventView, source: LogSource): readonly number[];
}

const NONE: readonly number[] = [];

/** Compiles rules; their indexes are those of the list. */
export function createMatcher(rules: readonly SigmaRule[]): Matcher {
  const compiled = rules.map(compileRule);
  const buckets = new Map<string, readonly number[]>();
  const bucketOf = (source: LogSource): readonly number[] => {
    const key = `${source.product}\u0000${source.service}\u0000${source.category}`;
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      bucket = rules.flatMap((rule, at) => (conflicts(rule.source, source) ? [] : [at]));
      if (buckets.size < BUCKETS_MAX) buckets.set(key, bucket);
    }
    return bucket;
  };
  const scan = (view: EventView, source: LogSource): readonly number[] => {
    let found: number[] | null = null;
    for (const at of bucketOf(source)) {
      if (!(compiled[at] as Holds)(view)) continue;
      if (found === null) found = [at];
      else found.push(at);
    }
    return found ?? NONE;
  };
  return { match: scan, scan };
}

/** Log sources of events are hostile text too: no more of them are remembered. */
const BUCKETS_MAX = 1024;

/** Fails open: only a dimension that both name, and name differently, keeps a rule from an event. */
export function conflicts(rule: LogSource, event: LogSource): boolean {
  return (
    differs(rule.product, event.product) ||
    differs(rule.service, event.service) ||
    differs(rule.category, event.category)
  );
}

function differs(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && a.toLowerCase() !== b.toLowerCase();
}
