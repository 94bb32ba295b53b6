/** Sigma filters: what is left out of rules, by whom it was asked, and until when. */
import { hash } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { canonicalJson } from '../../model/canonical-json.ts';
import type { Detector } from '../../model/detector.ts';
import type { Problem } from '../../model/errors.ts';
import { type Located, problemAt, schemaProblems } from '../../model/schema.ts';
import type { Clause, LogSource, RuleFilter, SigmaRule } from '../../model/sigma.ts';
import { conflicts } from './matcher.ts';
import { NO_PLACEHOLDERS, readConditions, readSelections, readSource } from './parse.ts';
import { nearest } from './text.ts';
import type { RuleOptions } from './values.ts';

const strict = { additionalProperties: false } as const;

/** A file of `detectors/filters/`: a Sigma filter, and who answers for it. */
export const FilterFile = Type.Object(
  {
    title: Type.String({ minLength: 5, maxLength: 256 }),
    id: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    taxonomy: Type.Optional(Type.Literal('plumbline')),
    date: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })),
    modified: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })),
    logsource: Type.Record(Type.String(), Type.Unknown()),
    filter: Type.Record(Type.String(), Type.Unknown(), {
      description: 'rules, selections by name, and a condition that says what is kept.',
    }),
    plumbline: Type.Object(
      {
        expires: Type.String({
          pattern: '^\\d{4}-\\d{2}-\\d{2}$',
          description: 'Last day on which it is applied, UTC, for example 2027-01-31.',
        }),
        owner: Type.String({ minLength: 2, description: 'Who answers for it.' }),
        reason: Type.String({ minLength: 10, description: 'Why these events never count.' }),
      },
      strict,
    ),
  },
  { ...strict, $id: 'https://plumbline.dev/schema/filter-1.json', title: 'Plumbline filter' },
);
type FilterFile = Static<typeof FilterFile>;

/** A checked filter, and the rules it names. */
export interface FilterRead {
  readonly file: string;
  readonly filter: RuleFilter;
  readonly rules: readonly string[];
  readonly source: LogSource;
  readonly where: Located;
}

/** What reading filters comes to. Warnings stop nothing. */
export interface FiltersRead<T> {
  readonly value: T;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

const checkFile = Compile(FilterFile);
const DAY_MS = 86_400_000;

/** Reads one filter. `nowMs` tells those that have expired: they are said, and stay without effect. */
export function readFilter(
  text: Located & { readonly document: unknown },
  nowMs: number,
  options: RuleOptions = NO_PLACEHOLDERS,
): FiltersRead<FilterRead | null> {
  const { file, document } = text;
  const where: Located = { file, lineOf: (path) => text.lineOf(path) };
  const problems: Problem[] = schemaProblems(FilterFile, document, where);
  if (problems.length === 0 && !checkFile.Check(document))
    problems.push(problemAt(where, [], 'is no filter; see detectors/README.md'));
  if (problems.length > 0) return { value: null, problems, warnings: [] };
  const { title, filter, logsource, plumbline } = document as FilterFile;
  const say = (path: readonly (string | number)[], message: string) =>
    problems.push(problemAt(where, path, message));
  const rules = namedRules(filter, say);
  const skip = ['rules', 'condition'];
  const selections = readSelections(
    filter,
    options,
    (at, text) => say(['filter', ...at], text),
    skip,
  );
  const names = Object.keys(filter).filter((name) => !skip.includes(name));
  const condition = readConditions(own(filter, 'condition'), names, (at, message) =>
    say(['filter', 'condition', ...at], message),
  );
  const source = readSource(logsource, say);
  const dayMs = dayOf(plumbline.expires);
  if (dayMs === null) say(['plumbline', 'expires'], 'is no day of the calendar');
  if (problems.length > 0 || condition === null || dayMs === null)
    return { value: null, problems, warnings: [] };
  const expiresMs = dayMs + DAY_MS;
  const warnings: Problem[] = [];
  if (expiresMs <= nowMs) {
    const message = `expired on ${plumbline.expires} and is not applied; ${plumbline.owner} renews or removes it`;
    warnings.push(problemAt(where, ['plumbline', 'expires'], message));
  }
  if (!negates(condition)) {
    const message =
      `filter-without-not: rules go on to match only where \`${String(filter['condition'])}\` holds;` +
      ` to leave those events out write \`not (${String(filter['condition'])})\``;
    warnings.push(problemAt(where, ['filter', 'condition'], message));
  }
  const read: RuleFilter = { title, selections, condition, expiresMs };
  return { value: { file, filter: read, rules, source, where }, problems, warnings };
}

function own(map: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Milliseconds at which a day begins, UTC; null for the 30th of February. */
function dayOf(text: string): number | null {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  const days = [31, year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28];
  days.push(31, 30, 31, 30, 31, 31, 30, 31, 30, 31);
  return day >= 1 && day <= (days[month - 1] ?? 0) ? Date.UTC(year, month - 1, day) : null;
}

function namedRules(
  filter: Readonly<Record<string, unknown>>,
  say: (path: readonly (string | number)[], message: string) => void,
): readonly string[] {
  const rules = own(filter, 'rules');
  const named = typeof rules === 'string' ? [rules] : rules;
  const at = ['filter', 'rules'];
  if (!Array.isArray(named) || named.length === 0 || named.some((one) => typeof one !== 'string')) {
    say(at, 'must list rules by name or id');
    return [];
  }
  if (named.includes('any')) say(at, '`any` would reach rules not yet written; list them');
  return named as string[];
}

function negates(clause: Clause): boolean {
  if (clause.type === 'not') return true;
  return (clause.type === 'and' || clause.type === 'or') && clause.items.some(negates);
}

/**
 * Puts filters on the rules they name: `(rule) and (filter)`. A detector whose rules are filtered has
 * another version, for it asks something else.
 */
export function applyFilters(
  detectors: readonly Detector[],
  filters: readonly FilterRead[],
): { readonly detectors: readonly Detector[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const known = new Map<string, Set<Detector>>();
  for (const detector of detectors)
    for (const rule of detector.sigma?.rules ?? [])
      for (const name of namesOf(detector, rule)) {
        const those = known.get(name) ?? new Set();
        known.set(name, those.add(detector));
      }
  const sound = filters.map((filter) => {
    const rules = filter.rules.filter((name, at) => {
      const problem = nameProblem(name, known);
      if (problem !== null)
        problems.push(problemAt(filter.where, ['filter', 'rules', at], problem));
      return problem === null;
    });
    return { ...filter, rules };
  });
  const filtered = detectors.map((detector) => withFilters(detector, sound, problems));
  return { detectors: filtered, problems };
}

/** Why no rule, or no single detector's, is meant by a name; null where that is clear. */
function nameProblem(
  name: string,
  known: ReadonlyMap<string, ReadonlySet<Detector>>,
): string | null {
  const those = [...(known.get(name) ?? [])];
  if (those.length === 1) return null;
  if (those.length > 1) {
    // Who writes a filter has one detector in mind: leaving events out of another would blind it.
    const files = those.map(({ file }) => file).join(' and ');
    const written = those.map(({ stem }) => `\`${stem}/${name}\``).join(' or ');
    return `\`${name}\` is a rule of ${files}; write ${written}`;
  }
  const near = nearest(name, known.keys());
  return `no Sigma rule is named \`${name}\`${near === null ? '' : `; did you mean \`${near}\`?`}`;
}

/** A rule is called by its name, `stem/name` or id; the one that fires also by the detector's id. */
function namesOf(detector: Detector, rule: SigmaRule): readonly string[] {
  const isOuter = rule === detector.sigma?.rules.at(-1) && detector.sigma.correlations.length === 0;
  const ids = [...(rule.id === null ? [] : [rule.id]), ...(isOuter ? [detector.uuid] : [])];
  return [rule.name, `${detector.stem}/${rule.name}`, ...ids];
}

function withFilters(
  detector: Detector,
  filters: readonly FilterRead[],
  problems: Problem[],
): Detector {
  if (detector.sigma === null) return detector;
  const applied: (readonly [rule: string, filter: RuleFilter])[] = [];
  const rules = detector.sigma.rules.map((rule) => {
    const names = namesOf(detector, rule);
    const own = filters.filter((each) => each.rules.some((name) => names.includes(name)));
    for (const { source, where } of own)
      if (conflicts(source, rule.source)) {
        const message = `names \`${rule.name}\`, which is for another log source`;
        problems.push(problemAt(where, ['logsource'], message));
      }
    for (const { filter } of own) applied.push([rule.name, filter]);
    return own.length === 0 ? rule : { ...rule, filters: own.map(({ filter }) => filter) };
  });
  if (applied.length === 0) return detector;
  const semantic = canonicalJson([detector.version, applied]);
  return {
    ...detector,
    sigma: { ...detector.sigma, rules },
    version: hash('sha256', semantic, 'hex').slice(0, 16),
  };
}
