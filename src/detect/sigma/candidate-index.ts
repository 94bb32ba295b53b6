/** Candidate index: from an event to the few rules that can match it at all. */
import type { SigmaRule } from '../../model/sigma.ts';
import { type Automaton, createAutomaton, nextTurn } from './automaton.ts';
import { numberOf } from './tests.ts';
import { type EventView, type FieldRef, fieldRef } from './view.ts';
import { type Witness, witnessesOf } from './witness.ts';

/** An index over some rules. */
export interface CandidateIndex {
  /** Calls `found` once for each rule that may match, in no order. */
  candidates(view: EventView, found: (rule: number) => void): void;
  /** Rules that no witness is known of: they are candidates of every event. */
  readonly always: readonly number[];
}

interface FieldIndex {
  readonly field: FieldRef;
  readonly values: ReadonlyMap<string, readonly number[]>;
  readonly numbers: ReadonlyMap<number, readonly number[]>;
  readonly automaton: Automaton | null;
  readonly present: readonly number[];
}

/** So much of a text is enough to look for: what it stands in is evaluated anyway. */
const LITERAL_MAX = 16;

/** Indexes the rules of `members`; owners are indexes into `rules`. */
export function createCandidateIndex(
  rules: readonly SigmaRule[],
  members: readonly number[],
): CandidateIndex {
  const drafts = new Map<string, FieldDraft>();
  const keywords = new Map<string, Set<number>>();
  const always: number[] = [];
  for (const rule of members) {
    const witnesses = witnessesOf(rules[rule] as SigmaRule);
    if (witnesses === null) always.push(rule);
    else for (const witness of witnesses) enter(drafts, keywords, witness, rule);
  }
  const fields = [...drafts].map(([field, one]) => fieldIndex(field, one));
  const anywhere = keywords.size === 0 ? null : createAutomaton(keywords);
  const seen = new Uint32Array(rules.length);
  let turn = 0;
  let found: (rule: number) => void = () => undefined;
  const take = (owners: readonly number[]) => {
    for (const rule of owners) {
      if (seen[rule] === turn) continue;
      seen[rule] = turn;
      found(rule);
    }
  };
  return {
    always,
    candidates(view, finds) {
      turn = nextTurn(turn, seen);
      found = finds;
      take(always);
      for (const one of fields) probe(one, view, take);
      if (anywhere !== null) for (const text of view.texts(true)) anywhere.scan(text, take);
    },
  };
}

interface FieldDraft {
  readonly values: Map<string, Set<number>>;
  readonly numbers: Map<number, Set<number>>;
  readonly substrings: Map<string, Set<number>>;
  readonly present: Set<number>;
}

function enter(
  drafts: Map<string, FieldDraft>,
  keywords: Map<string, Set<number>>,
  witness: Witness,
  rule: number,
): void {
  if (witness.type === 'keyword') {
    add(keywords, shortened(witness.text), rule);
    return;
  }
  let one = drafts.get(witness.field);
  if (one === undefined) {
    one = { values: new Map(), numbers: new Map(), substrings: new Map(), present: new Set() };
    drafts.set(witness.field, one);
  }
  if (witness.type === 'value') add(one.values, witness.text, rule);
  else if (witness.type === 'number') add(one.numbers, witness.value, rule);
  else if (witness.type === 'substring') add(one.substrings, shortened(witness.text), rule);
  else one.present.add(rule);
}

/** The end of a text tells more than its beginning, which paths have in common. */
function shortened(text: string): string {
  return text.slice(-LITERAL_MAX);
}

function add<K>(map: Map<K, Set<number>>, key: K, rule: number): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([rule]));
  else set.add(rule);
}

function fieldIndex(field: string, one: FieldDraft): FieldIndex {
  const lists = <K>(map: ReadonlyMap<K, Set<number>>) =>
    new Map([...map].map(([key, owners]) => [key, [...owners]]));
  return {
    field: fieldRef(field),
    values: lists(one.values),
    numbers: lists(one.numbers),
    automaton: one.substrings.size === 0 ? null : createAutomaton(one.substrings),
    present: [...one.present],
  };
}

function probe(one: FieldIndex, view: EventView, take: (owners: readonly number[]) => void): void {
  const value = view.value(one.field);
  if (!value.present) return;
  if (one.present.length > 0) take(one.present);
  if (one.numbers.size > 0)
    for (const scalar of value.scalars) {
      const number = numberOf(scalar);
      const owners = number === null ? undefined : one.numbers.get(number);
      if (owners !== undefined) take(owners);
    }
  if (one.values.size === 0 && one.automaton === null) return;
  for (const text of value.folded()) {
    const owners = one.values.get(text);
    if (owners !== undefined) take(owners);
    one.automaton?.scan(text, take);
  }
}
