/** Compiles checked rules to closures: short-circuiting, over the view of an event. */
import { type Clause, RUN, type RuleFilter, type SigmaRule } from '../../model/sigma.ts';
import { createAutomaton } from './automaton.ts';
import { compileMatch, type Holds, type SharedMatches } from './tests.ts';
import { fold, plainOf } from './text.ts';
import { fieldRef } from './view.ts';

/** Does the rule match an event? Log source is not asked. */
export function compileRule(rule: SigmaRule): Holds {
  return compiledWith(rule, null);
}

/** The same of a rule that shares its matches with others. */
export function compileSharing(rule: SigmaRule, shared: SharedMatches): Holds {
  return compiledWith(rule, shared);
}

function compiledWith(rule: SigmaRule, shared: SharedMatches | null): Holds {
  if (rule.unresolved.length > 0) return () => false;
  const holds = compileTree(rule.selections, rule.condition, shared);
  if (rule.filters.length === 0) return holds;
  const filters = rule.filters.map((filter) => compileFilter(filter, shared));
  return (view) => {
    if (!holds(view)) return false;
    for (const keeps of filters) if (!keeps(view)) return false;
    return true;
  };
}

/** An expired filter keeps everything; an event without a time is filtered. */
function compileFilter(
  { selections, condition, expiresMs }: RuleFilter,
  shared: SharedMatches | null,
): Holds {
  const keeps = compileTree(selections, condition, shared);
  return (view) => (view.ms !== null && view.ms >= expiresMs) || keeps(view);
}

function compileTree(
  named: SigmaRule['selections'],
  condition: Clause,
  shared: SharedMatches | null,
): Holds {
  const selections = new Map<string, Holds>();
  for (const [name, clause] of named)
    selections.set(name, compileClause(clause, selections, shared));
  return compileClause(condition, selections, shared);
}

/** Compiles a tree; selections it names must be in the map. */
function compileClause(
  clause: Clause,
  selections: ReadonlyMap<string, Holds>,
  shared: SharedMatches | null,
): Holds {
  const compiled = (item: Clause) => compileClause(item, selections, shared);
  switch (clause.type) {
    case 'match':
      return shared === null ? compileMatch(clause) : shared.holds(clause);
    case 'selection': {
      const holds = selections.get(clause.name);
      if (holds === undefined) throw new RangeError(`no selection ${clause.name}`);
      return holds;
    }
    case 'not': {
      const holds = compiled(clause.item);
      return (view) => !holds(view);
    }
    case 'and': {
      const items = clause.items.map(compiled);
      const [first, second] = items;
      if (items.length === 1 && first !== undefined) return first;
      if (items.length === 2 && first !== undefined && second !== undefined)
        return (view) => first(view) && second(view);
      return (view) => {
        for (const holds of items) if (!holds(view)) return false;
        return true;
      };
    }
    case 'or': {
      const { lists, rest } = grouped(clause.items);
      const items = [...lists, ...rest.map(compiled)];
      const [first, second] = items;
      if (items.length === 1 && first !== undefined) return first;
      if (items.length === 2 && first !== undefined && second !== undefined)
        return (view) => first(view) || second(view);
      return (view) => {
        for (const holds of items) if (holds(view)) return true;
        return false;
      };
    }
  }
}

/** So many texts asked of one field are worth a set, or an automaton. */
const LIST_MIN = 8;

interface TextList {
  readonly equals: Set<string>;
  readonly contains: Set<string>;
  readonly items: Clause[];
}

/** Of a choice: long lists of texts for one field, asked all at once, and what is left. */
function grouped(items: readonly Clause[]): { lists: readonly Holds[]; rest: readonly Clause[] } {
  if (items.length < LIST_MIN) return { lists: [], rest: items };
  const byField = new Map<string, TextList>();
  const rest: Clause[] = [];
  for (const item of items) {
    const text = listable(item);
    if (text === null) {
      rest.push(item);
      continue;
    }
    let list = byField.get(text.field);
    if (list === undefined) {
      list = { equals: new Set(), contains: new Set(), items: [] };
      byField.set(text.field, list);
    }
    list[text.asks].add(text.text);
    list.items.push(item);
  }
  const lists: Holds[] = [];
  for (const [field, list] of byField) {
    if (list.items.length < LIST_MIN) rest.push(...list.items);
    else lists.push(compileList(field, list));
  }
  return { lists, rest };
}

function listable(
  clause: Clause,
): { field: string; asks: 'equals' | 'contains'; text: string } | null {
  if (clause.type !== 'match' || clause.test.type !== 'text' || clause.test.cased) return null;
  const { field } = clause;
  if (field === null) return null;
  const { glob } = clause.test;
  const plain = plainOf(glob);
  if (plain !== null) return { field, asks: 'equals', text: fold(plain) };
  const [first, text, last] = glob;
  if (glob.length !== 3 || first !== RUN || last !== RUN || typeof text !== 'string') return null;
  return { field, asks: 'contains', text: fold(text) };
}

function compileList(name: string, { equals, contains }: TextList): Holds {
  const field = fieldRef(name);
  const owners = [0];
  const automaton = createAutomaton([...contains].map((text) => [text, owners]));
  return (view) => {
    for (const text of view.value(field).folded())
      if (equals.has(text) || automaton.some(text)) return true;
    return false;
  };
}
