/** Type `temporal`: all rules, or so many of them, within the timespan in any order. */
import { aggregate } from '../aggregate.ts';
import type { TypeOfCorrelation } from '../machine.ts';
import type { Measure } from '../measure.ts';
import { pattern } from '../pattern.ts';
import { distinct } from './distinct.ts';

/** How many of the rules were seen. One event may be seen by several of them. */
const rules: Measure<ReturnType<typeof distinct.create>> = {
  ...distinct,
  valueOf: (_rule, _hit, place) => String(place),
  text: (figure, rule) => `${figure} of ${rule.rules.length} rules`,
};

/** The type. With a condition over names it searches at most the newest 32 hits of each rule. */
export const temporal: TypeOfCorrelation = {
  name: 'temporal',
  claim:
    'All rules, or so many of them, occur within the timespan; those that are negated do not occur around them.',
  bound: 'events of the timespan, at most `group_events`; with a condition over names 32 of each',
  compile: (rule, tools) =>
    rule.range === null ? pattern(rule, tools, false) : aggregate(rule, tools, rules),
};
