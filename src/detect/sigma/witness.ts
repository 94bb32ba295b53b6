/** Witnesses: what an event must hold, at the least, for a rule to be able to match it. */
import type { Clause, Glob, Match, SigmaRule } from '../../model/sigma.ts';
import { isTelling, mandatoryLiterals } from './literals.ts';
import { fold, plainOf } from './text.ts';

/** A necessary condition that an index can look up. Texts are folded. */
export type Witness =
  | { readonly type: 'value'; readonly field: string; readonly text: string }
  | { readonly type: 'number'; readonly field: string; readonly value: number }
  | { readonly type: 'substring'; readonly field: string; readonly text: string }
  | { readonly type: 'present'; readonly field: string }
  /** Within any text of the event. */
  | { readonly type: 'keyword'; readonly text: string };

/** On every event that a rule matches, one of these holds. Null: nothing is known, always evaluate. */
export type Witnesses = readonly Witness[] | null;

/** Witnesses of a whole rule. */
export function witnessesOf(rule: SigmaRule): Witnesses {
  if (rule.unresolved.length > 0) return [];
  const selections = new Map<string, Witnesses>();
  for (const [name, clause] of rule.selections) selections.set(name, ofClause(clause, selections));
  return ofClause(rule.condition, selections);
}

function ofClause(clause: Clause, selections: ReadonlyMap<string, Witnesses>): Witnesses {
  switch (clause.type) {
    case 'match':
      return ofMatch(clause);
    case 'selection':
      return selections.get(clause.name) ?? null;
    case 'not':
      // Also where there is a NOT below: to go further would gain little, and has misled others.
      return null;
    case 'and':
      return mostSelective(clause.items.map((item) => ofClause(item, selections)));
    case 'or': {
      const all: Witness[] = [];
      for (const item of clause.items) {
        const witnesses = ofClause(item, selections);
        if (witnesses === null) return null;
        all.push(...witnesses);
      }
      return all;
    }
  }
}

function ofMatch({ field, test }: Match): Witnesses {
  switch (test.type) {
    case 'text':
      return field === null ? ofKeyword(longest(test.glob)) : ofText(field, test.glob);
    case 'number':
      return field === null ? null : [{ type: 'number', field, value: test.value }];
    case 'regex': {
      const literals = mandatoryLiterals(test.pattern, test.flags);
      if (field === null)
        return literals.length === 0 ? null : literals.map((text) => ({ type: 'keyword', text }));
      if (literals.length === 0) return [{ type: 'present', field }];
      return literals.map((text) => ({ type: 'substring', field, text }));
    }
    case 'exists':
      return test.present && field !== null ? [{ type: 'present', field }] : null;
    case 'cidr':
    case 'compare':
    case 'field':
      return field === null ? null : [{ type: 'present', field }];
    case 'null':
      return null;
    case 'unresolved':
      return [];
  }
}

function ofText(field: string, glob: Glob): Witnesses {
  const plain = plainOf(glob);
  if (plain !== null) return [{ type: 'value', field, text: fold(plain) }];
  return [substringOr(field, longest(glob))];
}

function substringOr(field: string, text: string): Witness {
  if (!isTelling(text)) return { type: 'present', field };
  return { type: 'substring', field, text };
}

function ofKeyword(text: string): Witnesses {
  return isTelling(text) ? [{ type: 'keyword', text }] : null;
}

/** The longest literal run of a pattern, folded. */
function longest(glob: Glob): string {
  let best = '';
  for (const part of glob) if (typeof part === 'string' && part.length > best.length) best = part;
  return fold(best);
}

const BOOLEAN = /^(?:true|false)$/;

/** How rarely a witness may be expected to hold: a guess, of no consequence for what matches. */
function rarity(witness: Witness): number {
  if (witness.type === 'present') return 1;
  if (witness.type === 'number') return 10;
  const { length } = witness.text;
  // Most booleans are what they are for most events.
  if (witness.type === 'value' && BOOLEAN.test(witness.text)) return 1;
  return witness.type === 'value' ? 8 + Math.min(length, 24) : 2 + Math.min(length, 24);
}

/** One child of an AND is enough: the one whose commonest witness is the rarest. */
function mostSelective(children: readonly Witnesses[]): Witnesses {
  let best: Witnesses = null;
  let most = Number.NEGATIVE_INFINITY;
  for (const witnesses of children) {
    if (witnesses === null) continue;
    let least = Number.POSITIVE_INFINITY;
    for (const witness of witnesses) least = Math.min(least, rarity(witness));
    const worth = least - Math.log2(1 + witnesses.length);
    if (best === null || worth > most) {
      best = witnesses;
      most = worth;
    }
  }
  return best;
}
