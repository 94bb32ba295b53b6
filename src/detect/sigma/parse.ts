/** Reads Sigma rules: a parsed YAML document → a rule as data, or every mistake in it. */
import type { Problem } from '../../model/errors.ts';
import type { Located } from '../../model/schema.ts';
import { problemAt } from '../../model/schema.ts';
import type { Clause, LogSource, SigmaRule } from '../../model/sigma.ts';
import { isReserved, readCondition } from './condition.ts';
import { type RuleOptions, readItem, type SayAt } from './values.ts';

/** A rule, or what is wrong with it; `problems` is empty if and only if `rule` is there. */
export interface RuleRead {
  readonly rule: SigmaRule | null;
  readonly problems: readonly Problem[];
}

const SELECTIONS_MAX = 256;
const VALUES_MAX = 20_000;
const TITLE_MAX = 256;
const UNNAMEABLE = /[\s()]/;

/** No placeholder has values, and a rule that needs some is refused. */
export const NO_PLACEHOLDERS: RuleOptions = { placeholders: new Map(), unresolved: 'refuse' };

/** Reads `title`, `logsource` and `detection`; keys of no consequence for matching are not judged. */
export function readRule(
  document: unknown,
  where: Located,
  options: RuleOptions = NO_PLACEHOLDERS,
): RuleRead {
  const problems: Problem[] = [];
  const say = (path: readonly (string | number)[], message: string) =>
    problems.push(problemAt(where, path, message));
  if (!isMap(document)) {
    say([], 'a rule is a map with title, logsource and detection');
    return { rule: null, problems };
  }
  const title = own(document, 'title');
  if (typeof title !== 'string' || title === '') say(['title'], 'a rule needs a title');
  else if (title.length > TITLE_MAX) say(['title'], `is longer than ${TITLE_MAX} characters`);
  const source = readSource(own(document, 'logsource'), say);
  const detection = own(document, 'detection');
  if (!isMap(detection)) {
    say(['detection'], 'a rule needs `detection:` with selections and a condition');
    return { rule: null, problems };
  }
  const unresolved = new Set<string>();
  const selections = readSelections(detection, options, (at, message) =>
    say(['detection', ...at], message),
  );
  for (const [, clause] of selections) collectUnresolved(clause, unresolved);
  const names = Object.keys(detection).filter((name) => name !== 'condition');
  const condition = readConditions(own(detection, 'condition'), names, (at, message) =>
    say(['detection', 'condition', ...at], message),
  );
  if (problems.length > 0 || condition === null) return { rule: null, problems };
  const id = own(document, 'id');
  const name = own(document, 'name');
  const rule: SigmaRule = {
    name: typeof name === 'string' ? name : typeof id === 'string' ? id : String(title),
    id: typeof id === 'string' ? id : null,
    title: String(title),
    source,
    selections,
    condition,
    filters: [],
    unresolved: [...unresolved].sort(),
  };
  return { rule, problems };
}

/** Own property of a map: a key named like a member of every object is a key like any other. */
function own(map: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Dimensions of a log source; a rule that names none is put to every event. */
export function readSource(value: unknown, say: SayAt): LogSource {
  const source = { product: null, service: null, category: null };
  if (!isMap(value)) {
    say(['logsource'], 'a rule needs `logsource:` with product, service or category');
    return source;
  }
  const dimension = (key: string): string | null => {
    const named = own(value, key);
    if (named === undefined || named === null) return null;
    if (typeof named === 'string' && named !== '') return named;
    say(['logsource', key], 'must be a text');
    return null;
  };
  return {
    product: dimension('product'),
    service: dimension('service'),
    category: dimension('category'),
  };
}

/** Every selection of a `detection` or `filter` map; `skip` names keys that are none. */
export function readSelections(
  detection: Readonly<Record<string, unknown>>,
  options: RuleOptions,
  say: SayAt,
  skip: readonly string[] = ['condition'],
): readonly (readonly [string, Clause])[] {
  const names = Object.keys(detection).filter((name) => !skip.includes(name));
  if (names.length === 0) say([], 'has no selection');
  if (names.length > SELECTIONS_MAX) say([], `has more than ${SELECTIONS_MAX} selections`);
  const selections: (readonly [string, Clause])[] = [];
  let left = VALUES_MAX;
  for (const name of names.slice(0, SELECTIONS_MAX)) {
    if (isReserved(name) || UNNAMEABLE.test(name) || name === '')
      say([name], 'a condition cannot speak of a selection of this name; choose another');
    if (name === 'timeframe') {
      say([name], '`timeframe` is gone from Sigma 2; write a document with `correlation:` instead');
      continue;
    }
    const clause = readSelection(detection[name], options, (at, message) =>
      say([name, ...at], message),
    );
    if (clause === null) continue;
    left -= sizeOf(clause);
    if (left < 0) {
      say([name], `the rule stands for more than ${VALUES_MAX} values; split it`);
      break;
    }
    selections.push([name, clause]);
  }
  return selections;
}

function sizeOf(clause: Clause): number {
  if (clause.type === 'and' || clause.type === 'or')
    return clause.items.reduce((sum, item) => sum + sizeOf(item), 0);
  return clause.type === 'not' ? sizeOf(clause.item) : 1;
}

/** A map (all must hold), a list of maps (one must), or keywords. */
function readSelection(value: unknown, options: RuleOptions, say: SayAt): Clause | null {
  if (isMap(value)) return readMap(value, options, say);
  if (!Array.isArray(value)) {
    if (typeof value === 'string' || typeof value === 'number')
      return readItem('', value, options, say);
    say([], 'a selection is a map of fields, a list of such maps, or a list of keywords');
    return null;
  }
  if (value.length === 0) {
    say([], 'is empty; name a field or a keyword');
    return null;
  }
  const items = value.map((each, at) => {
    if (isMap(each))
      return readMap(each, options, (below, message) => say([at, ...below], message));
    return readItem('', each, options, (below, message) => say([at, ...below], message));
  });
  const sound = items.filter((item) => item !== null);
  const [only] = sound;
  if (sound.length < items.length || only === undefined) return null;
  return sound.length === 1 ? only : { type: 'or', items: sound };
}

function readMap(
  map: Readonly<Record<string, unknown>>,
  options: RuleOptions,
  say: SayAt,
): Clause | null {
  const keys = Object.keys(map);
  if (keys.length === 0) {
    say([], 'is empty; name a field');
    return null;
  }
  const items = keys.map((key) =>
    readItem(key, map[key], options, (at, message) => say([key, ...at], message)),
  );
  const sound = items.filter((item) => item !== null);
  const [only] = sound;
  if (sound.length < items.length || only === undefined) return null;
  return sound.length === 1 ? only : { type: 'and', items: sound };
}

/** One condition, or a list of them of which one must hold. */
export function readConditions(
  value: unknown,
  names: readonly string[],
  say: SayAt,
): Clause | null {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (value === undefined || list.length === 0) {
    say([], `is missing; combine the selections: ${names.join(', ')}`);
    return null;
  }
  const items = list.map((each, at) => {
    const place = Array.isArray(value) ? [at] : [];
    if (typeof each === 'string') return readCondition(each, names, (text) => say(place, text));
    say(place, 'must be a text such as `selection and not filter`');
    return null;
  });
  const sound = items.filter((item) => item !== null);
  const [only] = sound;
  if (sound.length < items.length || only === undefined) return null;
  return sound.length === 1 ? only : { type: 'or', items: sound };
}

function collectUnresolved(clause: Clause, into: Set<string>): void {
  if (clause.type === 'and' || clause.type === 'or')
    for (const item of clause.items) collectUnresolved(item, into);
  else if (clause.type === 'not') collectUnresolved(clause.item, into);
  else if (clause.type === 'match' && clause.test.type === 'unresolved')
    into.add(clause.test.placeholder);
}
