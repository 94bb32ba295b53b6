/** Witnesses: what an event must hold, at the least, for a rule to be able to match it. */
import type { Clause, Glob, Match, SigmaRule } from '../../model/sigma.ts';
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

/** Shorter texts are in too many events to be worth a place in the automaton. */
const SUBSTRING_MIN = 3;

/** Beyond ASCII a single character tells enough. */
function isTelling(text: string): boolean {
  return text.length >= SUBSTRING_MIN || /[^\0-\x7f]/.test(text);
}

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
      const literal = fold(mandatoryLiteral(test.pattern, test.flags));
      if (field === null) return ofKeyword(literal);
      return [substringOr(field, literal)];
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

/** How rarely a witness may be expected to hold: a guess, of no consequence for what matches. */
function rarity(witness: Witness): number {
  if (witness.type === 'present') return 1;
  if (witness.type === 'number') return 10;
  const { length } = witness.text;
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

/**
 * A text that lies in everything an expression matches; empty where none is found. Only the top level
 * is read, and whatever is not plainly a literal ends a run.
 */
export function mandatoryLiteral(pattern: string, flags: string): string {
  // Quoting and inline flags change what the characters mean; a choice leaves nothing mandatory.
  if (pattern.includes('\\Q')) return '';
  const ignoresCase = flags.includes('i') || pattern.includes('(?');
  let best = '';
  let run = '';
  const end = () => {
    if (run.length > best.length) best = run;
    run = '';
  };
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === '|') return '';
    if (char === '(' || char === '[') {
      end();
      at = char === '(' ? endOfGroup(pattern, at) : endOfClass(pattern, at);
      if (at < 0) return '';
    } else if (char === '*' || char === '?' || char === '{') {
      run = run.slice(0, -1);
      end();
      if (char === '{') at = Math.max(at, pattern.indexOf('}', at));
    } else if (char === '\\') {
      at += 1;
      const escaped = pattern.charAt(at);
      if (/[^\w\s]/.test(escaped) && escaped < '\u0080') run += escaped;
      else {
        end();
        at = endOfEscape(pattern, at);
      }
    } else if (isLiteral(char, ignoresCase)) run += char;
    else end();
  }
  end();
  return best;
}

/** Without case, `k` also meets the Kelvin sign and `s` the long s, which fold to others. */
function isLiteral(char: string, ignoresCase: boolean): boolean {
  if (char >= '\u0080' || '.^$+'.includes(char)) return false;
  return !(ignoresCase && /[ks]/i.test(char));
}

/** Last character of `\x41`, `\x{41}`, `\pL`, `\p{Greek}`, `\123`; `at` is the one after the backslash. */
function endOfEscape(pattern: string, at: number): number {
  const rest = /^(?:[xpP]\{[^}]*\}|x[0-9a-fA-F]{2}|[pP].|[0-7]{1,3}|.)/s.exec(pattern.slice(at));
  return at + (rest?.[0].length ?? 1) - 1;
}

/** Closing parenthesis of a group; -1 where it is not found. */
function endOfGroup(pattern: string, open: number): number {
  let depth = 0;
  for (let at = open; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '[') {
      at = endOfClass(pattern, at);
      if (at < 0) return -1;
    } else if (char === '(') depth += 1;
    else if (char === ')') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

/** Closing bracket of a class; -1 where it is not found. A bracket that comes first is a member. */
function endOfClass(pattern: string, open: number): number {
  let at = open + 1;
  if (pattern.charAt(at) === '^') at += 1;
  if (pattern.charAt(at) === ']') at += 1;
  for (; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '[' && pattern.charAt(at + 1) === ':') {
      const close = pattern.indexOf(':]', at + 2);
      if (close < 0) return -1;
      at = close + 1;
    } else if (char === ']') return at;
  }
  return -1;
}
