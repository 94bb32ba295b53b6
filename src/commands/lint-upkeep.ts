/** Lint of upkeep: filters that keep what they should drop, and what has outlived its date. */
import {
  dateOf,
  findings,
  type LintContext,
  type LintedText,
  type LintFinding,
  memberOf,
} from './lint-file.ts';

const SOON_MS = 7 * 86_400_000;

/** Rules about filters and exceptions, by name, for people. */
export const UPKEEP_RULES: readonly { readonly name: string; readonly says: string }[] = [
  { name: 'filter-without-not', says: 'A filter that excludes says `not`, as engines apply it.' },
  { name: 'expired', says: 'Filters and exceptions that have expired are renewed or removed.' },
  { name: 'dead-exception', says: 'Filters and exceptions name detectors or rules that exist.' },
];

/** Everything wrong with filters. `rules`: names and ids a filter may be about. */
export function filterFindings(
  text: LintedText,
  rules: ReadonlySet<string>,
  context: LintContext,
): LintFinding[] {
  const without = findings(text, 'filter-without-not', 'warning');
  const dead = findings(text, 'dead-exception', 'error');
  for (const { value, lineOf } of text.documents) {
    const condition = memberOf(value, 'filter', 'condition');
    if (typeof condition === 'string' && !/\bnot\b/i.test(condition))
      without.say(
        lineOf(['filter', 'condition']),
        `keeps only events that match ${JSON.stringify(condition)}, for it becomes \`(rule) and (${condition})\`; to leave them out write \`not ${condition}\``,
      );
    const named = memberOf(value, 'filter', 'rules');
    if (Array.isArray(named))
      named.forEach((rule: unknown, at) => {
        if (typeof rule === 'string' && !rules.has(rule))
          dead.say(lineOf(['filter', 'rules', at]), `no rule is called ${JSON.stringify(rule)}`);
      });
  }
  const expiry = expiryFindings(text, ['plumbline', 'expires'], context);
  return [...without.list, ...dead.list, ...expiry];
}

/** Everything wrong with exceptions that the library itself does not refuse. */
export function exceptionFindings(text: LintedText, context: LintContext): LintFinding[] {
  const { list, say } = findings(text, 'dead-exception', 'error');
  for (const { value, lineOf } of text.documents) {
    const named = memberOf(value, 'detectors');
    if (Array.isArray(named))
      named.forEach((stem: unknown, at) => {
        if (typeof stem === 'string' && !context.stems.has(stem))
          say(
            lineOf(['detectors', at]),
            `no detector is called ${JSON.stringify(stem)}: remove it`,
          );
      });
  }
  return [...list, ...expiryFindings(text, ['expires'], context)];
}

function expiryFindings(
  text: LintedText,
  path: readonly string[],
  { today }: LintContext,
): LintFinding[] {
  const over = findings(text, 'expired', 'error');
  const soon = findings(text, 'expired', 'warning');
  const todayMs = Date.parse(today);
  for (const { value, lineOf } of text.documents) {
    const expires = dateOf(memberOf(value, ...path));
    if (expires === null) continue;
    const restMs = Date.parse(expires) - todayMs;
    const line = lineOf(path);
    if (restMs < 0)
      over.say(
        line,
        `expired on ${expires} and does nothing any more: remove it, or have it renewed`,
      );
    else if (restMs <= SOON_MS) soon.say(line, `expires on ${expires}: ask its owner now`);
  }
  return [...over.list, ...soon.list];
}
