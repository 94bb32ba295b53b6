/** Explanations of what a rule saw: selections, matchers and lengths, never payload. */
import type { Clause, Match, SigmaRule } from '../../model/sigma.ts';
import { SHOWN } from './shown.ts';
import { compileMatch, type Holds } from './tests.ts';
import type { EventView } from './view.ts';

/** One value asked of one field, and what came of it. */
export interface MatchExplained {
  /** Null for keywords. */
  readonly field: string | null;
  /** Key and value of the rule, as the author wrote them. */
  readonly asked: string;
  readonly pass: boolean;
  /** What the event holds, in words: its value where that is a name, else only its length. */
  readonly found: string;
}

/** One selection, and what came of everything it asks. Nothing is short-circuited. */
export interface SelectionExplained {
  readonly name: string;
  readonly pass: boolean;
  readonly matches: readonly MatchExplained[];
}

/** What a rule makes of one event. Values of the event are never told, unless they name a thing. */
export interface RuleExplained {
  readonly rule: string;
  readonly title: string;
  /** Does the rule match? Its log source is not asked. */
  readonly pass: boolean;
  readonly selections: readonly SelectionExplained[];
  /** The fewest answers that would have to be other for the rule to come out the other way. */
  readonly counterfactual: readonly string[];
  /** Placeholders without values: the rule cannot match. */
  readonly unresolved: readonly string[];
}

/** Compiled once: a rule may fire often, and an expression takes a thousand times longer to compile. */
const COMPILED = new WeakMap<Match, Holds>();

function compiled(match: Match): Holds {
  const known = COMPILED.get(match);
  if (known !== undefined) return known;
  const made = compileMatch(match);
  COMPILED.set(match, made);
  return made;
}

const MATCHES_MAX = 200;
const VALUE_MAX = 64;

/** Evaluates a rule in full on one event. */
export function explainRule(rule: SigmaRule, view: EventView): RuleExplained {
  const results = new Map<Match, boolean>();
  const ask = (match: Match): boolean => {
    const known = results.get(match);
    if (known !== undefined) return known;
    const pass = compiled(match)(view);
    results.set(match, pass);
    return pass;
  };
  const filters = rule.filters.filter(({ expiresMs }) => view.ms === null || view.ms < expiresMs);
  const named = [
    ...rule.selections,
    ...filters.flatMap(({ title, selections }) =>
      selections.map(([name, clause]) => [inFilter(title, name), clause] as const),
    ),
  ];
  const selections = new Map(named);
  const conditions = filters.map(({ title, condition }) => renamed(condition, title));
  const whole: Clause = { type: 'and', items: [rule.condition, ...conditions] };
  const pass = rule.unresolved.length === 0 && holds(whole, selections, ask);
  const change = flip(whole, !pass, selections, ask);
  return {
    rule: rule.name,
    title: rule.title,
    pass,
    selections: named.map(([name, clause]) => ({
      name,
      pass: holds(clause, selections, ask),
      matches: matchesOf(clause)
        .slice(0, MATCHES_MAX)
        .map((match) => ({
          field: match.field,
          asked: askedOf(match),
          pass: ask(match),
          found: foundOf(match, view),
        })),
    })),
    counterfactual: rule.unresolved.length > 0 ? [] : change.map((match) => wording(match, ask)),
    unresolved: rule.unresolved,
  };
}

/** Selections of a filter stand beside those of the rule, under the filter's title. */
function inFilter(title: string, name: string): string {
  return `filter ${JSON.stringify(title)}: ${name}`;
}

function renamed(clause: Clause, title: string): Clause {
  if (clause.type === 'selection') return { ...clause, name: inFilter(title, clause.name) };
  if (clause.type === 'not') return { ...clause, item: renamed(clause.item, title) };
  if (clause.type === 'match') return clause;
  return { ...clause, items: clause.items.map((item) => renamed(item, title)) };
}

type Selections = ReadonlyMap<string, Clause>;
type Ask = (match: Match) => boolean;

function holds(clause: Clause, selections: Selections, ask: Ask): boolean {
  switch (clause.type) {
    case 'match':
      return ask(clause);
    case 'not':
      return !holds(clause.item, selections, ask);
    case 'selection':
      return holds(selections.get(clause.name) as Clause, selections, ask);
    case 'and':
      // Every item is asked, so that all of them are known.
      return clause.items.map((item) => holds(item, selections, ask)).every(Boolean);
    case 'or':
      return clause.items.map((item) => holds(item, selections, ask)).some(Boolean);
  }
}

/** The fewest matches whose answers must change for a tree to come out as wanted. */
function flip(clause: Clause, wanted: boolean, selections: Selections, ask: Ask): readonly Match[] {
  if (holds(clause, selections, ask) === wanted) return [];
  switch (clause.type) {
    case 'match':
      return [clause];
    case 'not':
      return flip(clause.item, !wanted, selections, ask);
    case 'selection':
      return flip(selections.get(clause.name) as Clause, wanted, selections, ask);
    default: {
      const changes = clause.items.map((item) => flip(item, wanted, selections, ask));
      // One item is enough to make an OR true or an AND false; otherwise all of them must change.
      if ((clause.type === 'or') !== wanted) return [...new Set(changes.flat())];
      return changes.reduce((best, next) => (next.length < best.length ? next : best));
    }
  }
}

/** Matches of a tree in the order of the file; selections are looked into by their own line. */
function matchesOf(clause: Clause): readonly Match[] {
  if (clause.type === 'match') return [clause];
  if (clause.type === 'not') return matchesOf(clause.item);
  return clause.type === 'selection' ? [] : clause.items.flatMap(matchesOf);
}

function askedOf({ field, wrote }: Match): string {
  return field === null && wrote.key === ''
    ? `keyword ${JSON.stringify(wrote.value)}`
    : `${wrote.key}: ${JSON.stringify(wrote.value)}`;
}

function foundOf({ field }: Match, view: EventView): string {
  if (field === null) return `${view.texts(false).length} texts`;
  const value = view.value(field);
  if (!value.present) return 'absent';
  if (value.nothing && value.scalars.length === 0) return 'null';
  if (value.scalars.length === 0) return 'an object';
  const [first] = value.texts;
  const more = value.scalars.length > 1 ? ` and ${value.scalars.length - 1} more` : '';
  if (first !== undefined && SHOWN.has(field) && first.length <= VALUE_MAX)
    return `${JSON.stringify(first)}${more}`;
  if (typeof value.scalars[0] !== 'string') return `a ${typeof value.scalars[0]}${more}`;
  return `a text of ${first?.length ?? 0} characters${more}`;
}

function wording(match: Match, ask: Ask): string {
  const subject = match.field ?? 'its text';
  const asked = askedOf(match);
  return ask(match) ? `had ${subject} not met ${asked}` : `had ${subject} met ${asked}`;
}

/** One sentence of what made a rule match: the fields of each selection that passed. */
export function sentenceOf(explained: RuleExplained): string {
  const parts = explained.selections
    .filter(({ pass }) => pass)
    .map(({ name, matches }) => {
      const met = matches.filter(({ pass }) => pass);
      const said = met
        .slice(0, 4)
        .map(({ field, asked, found }) => (field === null ? asked : `${asked} (found ${found})`));
      const more = met.length > said.length ? ` and ${met.length - said.length} more` : '';
      return said.length === 0 ? name : `${name}: ${said.join(', ')}${more}`;
    });
  const failed = explained.selections.filter(({ pass }) => !pass).map(({ name }) => name);
  const without = failed.length === 0 ? '' : ` Not met: ${failed.join(', ')}.`;
  const met = parts.length === 0 ? 'no selection was met, as the condition asks' : parts.join('; ');
  return `Matched ${met}.${without}`;
}
