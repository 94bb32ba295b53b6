/** Matcher: many rules against one event, behind the index of the event's log source. */
import type { LogSource, SigmaRule } from '../../model/sigma.ts';
import { type CandidateIndex, createCandidateIndex } from './candidate-index.ts';
import { compileSharing } from './compile.ts';
import { type Holds, SharedMatches } from './tests.ts';
import type { EventView } from './view.ts';

/** The rules of one log source. */
export interface RoutedRules {
  readonly isEmpty: boolean;
  /** As `match` of the matcher. The list is good until the next event. */
  match(view: EventView): readonly number[];
  /** As `check` of the matcher. */
  check(view: EventView): Checked;
}

/** What a scan found, and which of it the index had missed. */
export interface Checked {
  readonly matches: readonly number[];
  readonly missed: readonly number[];
}

/** Many rules, compiled together. */
export interface Matcher {
  /** The rules of a log source, for who asks about many events of it. */
  routed(source: LogSource): RoutedRules;
  /** Is there any rule for this log source? */
  wants(source: LogSource): boolean;
  /** Indexes of the rules that match, ascending. Rules of another log source are left out. */
  match(view: EventView, source: LogSource): readonly number[];
  /** The same by evaluating every rule of the log source: the oracle. */
  scan(view: EventView, source: LogSource): readonly number[];
  /**
   * Matches both ways. Where they differ the log source is scanned from then on; returned is what
   * the scan found, and which rules the index had missed.
   */
  check(view: EventView, source: LogSource): Checked;
}

const NONE: readonly number[] = [];

interface Bucket {
  readonly members: readonly number[];
  readonly index: CandidateIndex;
  /** The index was found wrong. */
  scanned: boolean;
}

/** Compiles rules; their indexes are those of the list. Each log source is indexed when it first comes. */
export function createMatcher(
  rules: readonly SigmaRule[],
  createIndex: typeof createCandidateIndex = createCandidateIndex,
): Matcher {
  const shared = new SharedMatches();
  const compiled = rules.map((rule) => compileSharing(rule, shared));
  const bucketOf = bucketing(rules, createIndex);
  let shown: EventView;
  let found: number[] = [];
  const take = (rule: number) => {
    if ((compiled[rule] as Holds)(shown)) found.push(rule);
  };
  const begin = (view: EventView): void => {
    shown = view;
    if (found.length > 0) found = [];
  };
  const scanBucket = (view: EventView, { members }: Bucket): readonly number[] => {
    begin(view);
    for (const rule of members) take(rule);
    return found.length === 0 ? NONE : found;
  };
  const matchBucket = (view: EventView, bucket: Bucket): readonly number[] => {
    if (bucket.scanned) return scanBucket(view, bucket);
    begin(view);
    bucket.index.candidates(view, take);
    if (found.length === 0) return NONE;
    return ascending(found);
  };
  const checkBucket = (view: EventView, bucket: Bucket): Checked => {
    const quick = matchBucket(view, bucket);
    const matches = scanBucket(view, bucket);
    const missed = matches.filter((rule) => !quick.includes(rule));
    if (missed.length > 0) bucket.scanned = true;
    return { matches, missed };
  };
  return {
    routed(source) {
      const bucket = bucketOf(source);
      return {
        isEmpty: bucket.members.length === 0,
        match: (view) => matchBucket(view, bucket),
        check: (view) => checkBucket(view, bucket),
      };
    },
    wants: (source) => bucketOf(source).members.length > 0,
    match: (view, source) => matchBucket(view, bucketOf(source)),
    scan: (view, source) => scanBucket(view, bucketOf(source)),
    check: (view, source) => checkBucket(view, bucketOf(source)),
  };
}

/** Sorts in place: a few numbers, most of them in order. */
function ascending(numbers: number[]): number[] {
  for (let at = 1; at < numbers.length; at += 1) {
    const number = numbers[at] as number;
    let to = at;
    for (; to > 0 && (numbers[to - 1] as number) > number; to -= 1)
      numbers[to] = numbers[to - 1] as number;
    numbers[to] = number;
  }
  return numbers;
}

const DIMENSIONS = ['product', 'service', 'category'] as const;

/** One bucket for each combination of names that rules know: names they do not know are all alike. */
function bucketing(
  rules: readonly SigmaRule[],
  createIndex: typeof createCandidateIndex,
): (source: LogSource) => Bucket {
  const known = DIMENSIONS.map(
    (dimension) => new Set(rules.map(({ source }) => source[dimension]?.toLowerCase())),
  );
  const buckets = new Map<string, Bucket>();
  const slow = (source: LogSource): Bucket => {
    let key = '';
    for (let at = 0; at < DIMENSIONS.length; at += 1) {
      const name = source[DIMENSIONS[at] as (typeof DIMENSIONS)[number]];
      const folded = name?.toLowerCase();
      key += name === null ? ' -' : known[at]?.has(folded) === true ? ` =${folded}` : ' ?';
    }
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      const members = rules.flatMap((rule, at) => (conflicts(rule.source, source) ? [] : [at]));
      bucket = { members, index: createIndex(rules, members), scanned: false };
      buckets.set(key, bucket);
    }
    return bucket;
  };
  return remembered(slow);
}

type Named = string | null;

/** Categories of events may be made up without end: so many are remembered as they are written. */
const NAMES_MAX = 4096;

/** The same, without making a key of the names each time. */
function remembered(slow: (source: LogSource) => Bucket): (source: LogSource) => Bucket {
  const known = new Map<Named, Map<Named, Map<Named, Bucket>>>();
  let names = 0;
  return (source) => {
    const { product, service, category } = source;
    const found = known.get(product)?.get(service)?.get(category);
    if (found !== undefined) return found;
    const bucket = slow(source);
    if (names >= NAMES_MAX) return bucket;
    names += 1;
    let services = known.get(product);
    if (services === undefined) {
      services = new Map();
      known.set(product, services);
    }
    let categories = services.get(service);
    if (categories === undefined) {
      categories = new Map();
      services.set(service, categories);
    }
    categories.set(category, bucket);
    return bucket;
  };
}

/** Fails open: only a dimension that both name, and name differently, keeps a rule from an event. */
export function conflicts(rule: LogSource, event: LogSource): boolean {
  return DIMENSIONS.some((dimension) => differs(rule[dimension], event[dimension]));
}

function differs(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && a.toLowerCase() !== b.toLowerCase();
}
