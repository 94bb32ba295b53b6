/** Links: gives the rules that correlations name their keys; refuses cycles and deep chains. */
import type { Problem } from '../../../model/errors.ts';
import type { Kind } from '../../../model/event.ts';
import { type Located, problemAt } from '../../../model/schema.ts';
import type { CorrelationRule } from './definition.ts';

/** A rule that correlations may be built on. */
export interface LinkBase {
  /** Unique among all rules; what `Hit.rule` will say. */
  readonly key: string;
  readonly name: string | null;
  readonly id: string | null;
  /** Sources its events come from: all four where its log source names none. */
  readonly kinds: readonly Kind[];
}

/** A correlation as it was read, and where. */
export interface LinkDocument {
  readonly rule: CorrelationRule;
  readonly where: Located;
}

/** So many correlations may stand upon each other. */
export const DEPTH_MAX = 5;

/**
 * Links the correlations of one scope (a file). Names are looked up among its own documents first,
 * then among `outside`. Keys become `scope/name`, or the name where the scope is empty. A correlation
 * with a problem is left out.
 */
export function linkCorrelations(
  documents: readonly LinkDocument[],
  bases: readonly LinkBase[],
  scope: string,
  outside: readonly LinkBase[] = [],
): { readonly rules: readonly CorrelationRule[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const keyed = documents.map(({ rule, where }) => ({
    where,
    rule: { ...rule, key: scope === '' ? rule.key : `${scope}/${rule.key}` },
  }));
  const own: LinkBase[] = [...bases];
  for (const { rule } of keyed)
    own.push({ key: rule.key, name: rule.name, id: rule.id, kinds: [] });
  const linked = new Map<string, CorrelationRule>();
  for (const { rule, where } of keyed) {
    const found = rule.rules.map((name) => lookUp(name, own) ?? lookUp(name, outside));
    rule.rules.forEach((name, at) => {
      if (found[at] !== undefined) return;
      const known = [...own, ...outside].map((one) => one.name ?? one.id).slice(0, 20);
      const message = `no rule of this name or id; there are: ${known.join(', ')}`;
      problems.push(problemAt(where, ['correlation', 'rules', at], `${name}: ${message}`));
    });
    problems.push(...aliasProblems(rule, found, where));
    if (found.every((one) => one !== undefined))
      linked.set(rule.key, {
        ...rule,
        bases: found.map(({ key }) => key),
        aliases: writtenAliases(rule, found),
      });
  }
  const depths = new Map<string, number>();
  for (const { rule, where } of keyed) {
    const depth = depthOf(rule.key, linked, depths, new Set());
    if (depth <= DEPTH_MAX) continue;
    const message = Number.isFinite(depth)
      ? `a chain of ${depth} correlations; at most ${DEPTH_MAX} may stand upon each other`
      : 'the correlation is built on itself';
    problems.push(problemAt(where, ['correlation', 'rules'], message));
    linked.delete(rule.key);
  }
  leaveOutWhatStandsOnNothing(keyed, linked, problems);
  return {
    rules: [...linked.values()].map((rule) => withKinds(rule, linked, [...bases, ...outside])),
    problems,
  };
}

/** A correlation whose base was left out could never fire: it is left out too, and said. */
function leaveOutWhatStandsOnNothing(
  keyed: readonly LinkDocument[],
  linked: Map<string, CorrelationRule>,
  problems: Problem[],
): void {
  const gone = new Set(keyed.map(({ rule }) => rule.key).filter((key) => !linked.has(key)));
  for (let before = -1; before !== gone.size; ) {
    before = gone.size;
    for (const { rule, where } of keyed) {
      const at = linked.get(rule.key)?.bases.findIndex((key) => gone.has(key)) ?? -1;
      if (at < 0) continue;
      const message = `${rule.rules[at]} has mistakes of its own, and this is built on it`;
      problems.push(problemAt(where, ['correlation', 'rules', at], message));
      linked.delete(rule.key);
      gone.add(rule.key);
    }
  }
}

/** The same rule with the sources that each of its bases rests on. */
function withKinds(
  rule: CorrelationRule,
  linked: ReadonlyMap<string, CorrelationRule>,
  bases: readonly LinkBase[],
): CorrelationRule {
  const kindsOf = (key: string): readonly Kind[] => {
    const kinds =
      linked.get(key)?.bases.flatMap(kindsOf) ?? bases.find((one) => one.key === key)?.kinds ?? [];
    return [...new Set(kinds)].sort();
  };
  return { ...rule, kinds: rule.bases.map(kindsOf) };
}

/** Keys of the rules and correlations that only feed others: no correlation on them says `generate`. */
export function silentBases(rules: readonly CorrelationRule[]): ReadonlySet<string> {
  const loud = new Set(rules.filter(({ generate }) => generate).flatMap(({ bases }) => bases));
  return new Set(rules.flatMap(({ bases }) => bases).filter((key) => !loud.has(key)));
}

/**
 * Does the rule of this name or id alert by itself, because a correlation that names it says
 * `generate`? Looks at documents as they were parsed.
 */
export function isGenerated(
  documents: readonly Readonly<Record<string, unknown>>[],
  names: readonly (string | null)[],
): boolean {
  return documents.some((document) => {
    const block = document['correlation'] as Readonly<Record<string, unknown>> | undefined;
    const isLoud = (block?.['generate'] ?? document['generate']) === true;
    const rules: unknown = block?.['rules'];
    return isLoud && Array.isArray(rules) && rules.some((rule) => names.includes(rule));
  });
}

function lookUp(name: string, among: readonly LinkBase[]): LinkBase | undefined {
  return among.find((one) => one.name === name) ?? among.find((one) => one.id === name);
}

/** An alias that names no field for a rule would leave all its events without a group. */
function aliasProblems(
  rule: CorrelationRule,
  found: readonly (LinkBase | undefined)[],
  where: Located,
): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [alias, fields] of Object.entries(rule.aliases)) {
    const path = ['correlation', 'aliases', alias];
    for (const name of Object.keys(fields))
      if (!rule.rules.some((one, at) => one === name || isOf(found[at], name)))
        problems.push(
          problemAt(where, [...path, name], `not among rules: ${rule.rules.join(', ')}`),
        );
    rule.rules.forEach((name, at) => {
      if (fieldOf(rule, alias, name, found[at]) === undefined)
        problems.push(problemAt(where, path, `names no field for the rule ${name}`));
    });
  }
  return problems;
}

function isOf(base: LinkBase | undefined, name: string): boolean {
  return base !== undefined && (base.name === name || base.id === name);
}

function fieldOf(
  rule: CorrelationRule,
  alias: string,
  name: string,
  base: LinkBase | undefined,
): string | undefined {
  const fields = rule.aliases[alias] ?? {};
  const written = [name, base?.name, base?.id].find(
    (one) => typeof one === 'string' && Object.hasOwn(fields, one),
  );
  return typeof written === 'string' ? fields[written] : undefined;
}

/** The aliases with every rule named as `rules` names it. */
function writtenAliases(
  rule: CorrelationRule,
  found: readonly (LinkBase | undefined)[],
): CorrelationRule['aliases'] {
  const entries = Object.keys(rule.aliases).map((alias) => [
    alias,
    Object.fromEntries(
      rule.rules.map((name, at) => [name, fieldOf(rule, alias, name, found[at]) ?? alias]),
    ),
  ]);
  return Object.fromEntries(entries);
}

/** How many correlations stand upon each other, this one included; infinite in or above a cycle. */
function depthOf(
  key: string,
  all: ReadonlyMap<string, CorrelationRule>,
  known: Map<string, number>,
  trail: Set<string>,
): number {
  const rule = all.get(key);
  if (rule === undefined) return 0;
  if (trail.has(key)) return Number.POSITIVE_INFINITY;
  const before = known.get(key);
  if (before !== undefined) return before;
  trail.add(key);
  let below = 0;
  for (const base of rule.bases) below = Math.max(below, depthOf(base, all, known, trail));
  trail.delete(key);
  known.set(key, below + 1);
  return below + 1;
}
