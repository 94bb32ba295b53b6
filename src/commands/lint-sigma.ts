/** Lint of Sigma: what our engine takes and others would not, and filters that keep. */
import { fieldProblem, levelOfField } from '../detect/derived/names.ts';
import { linkFile } from '../detect/sigma/correlating.ts';
import { fieldAt } from '../detect/sigma/correlation/group.ts';
import { EVIDENCE_LEVELS, type EvidenceLevel, KINDS, type Kind } from '../model/event.ts';
import type { Clause, SigmaRule } from '../model/sigma.ts';
import { findings, type LintedDetector, type LintRule, mapOf, memberOf } from './lint-file.ts';

/** A field that a detector names, where, and for events of which book. */
interface NamedField {
  readonly field: string;
  readonly kind: Kind | null;
  readonly line: number | null;
}

const kindOf = (value: unknown): Kind | null => KINDS.find((kind) => kind === value) ?? null;

/** Fields of selections, correlations, counts and risk objects. */
function fieldsOf(file: LintedDetector): NamedField[] {
  const found: NamedField[] = [];
  for (const { value, lineOf } of file.documents) {
    const kind = kindOf(memberOf(value, 'logsource', 'service'));
    const detection = mapOf(memberOf(value, 'detection')) ?? {};
    for (const [name, selection] of Object.entries(detection)) {
      if (name === 'condition') continue;
      const maps: readonly (readonly [unknown, (string | number)[]])[] = Array.isArray(selection)
        ? selection.map((each: unknown, at) => [each, ['detection', name, at]] as const)
        : [[selection, ['detection', name]]];
      for (const [map, path] of maps)
        for (const [key, asked] of Object.entries(mapOf(map) ?? {})) {
          const line = lineOf([...path, key]);
          const [field = '', ...modifiers] = key.split('|');
          if (field !== '') found.push({ field, kind, line });
          if (modifiers.includes('fieldref') && typeof asked === 'string')
            found.push({ field: asked, kind, line });
        }
    }
  }
  return [...found, ...outerFields(file)];
}

function outerFields({ outer, documents }: LintedDetector): NamedField[] {
  const found: NamedField[] = [];
  // Fields of a correlation are those of its base rules, of whatever book, or aliases of them.
  for (const { value, lineOf } of documents) {
    const aliases = new Set(Object.keys(mapOf(memberOf(value, 'correlation', 'aliases')) ?? {}));
    const grouped = memberOf(value, 'correlation', 'group-by');
    const line = lineOf(['correlation', 'group-by']);
    if (Array.isArray(grouped))
      for (const field of grouped)
        if (typeof field === 'string' && !aliases.has(field))
          found.push({ field, kind: null, line });
    const measured = memberOf(value, 'correlation', 'condition', 'field');
    for (const field of Array.isArray(measured) ? measured : [measured])
      if (typeof field === 'string' && !aliases.has(field))
        found.push({ field, kind: null, line: lineOf(['correlation', 'condition', 'field']) });
  }
  // Analytics name what they judge (a source, an objective), which no event need hold.
  const entities = memberOf(outer?.value, 'plumbline', 'entity');
  const isSigma = memberOf(outer?.value, 'plumbline', 'kind') === undefined;
  if (isSigma && Array.isArray(entities))
    entities.forEach((field: unknown, at) => {
      if (typeof field === 'string')
        found.push({ field, kind: null, line: outer?.lineOf(['plumbline', 'entity', at]) ?? null });
    });
  return found;
}

const fieldUnknown: LintRule = {
  name: 'field-unknown',
  says: 'Every field is one that events of that book can have.',
  check: (file) => {
    const { list, say } = findings(file, 'field-unknown', 'error');
    for (const { field, kind, line } of fieldsOf(file)) {
      const problem = fieldProblem(field, kind);
      if (problem !== null) say(line, `${field}: ${problem}`);
    }
    return list;
  },
};

const needsSource: LintRule = {
  name: 'needs-source',
  says: 'A book whose events are looked at stands under `needs.sources`.',
  check: (file) => {
    const { list, say } = findings(file, 'needs-source', 'error');
    const { detector, outer, documents } = file;
    if (detector === null || outer === null) return list;
    const used = new Set<Kind>();
    for (const { value } of documents) {
      const kind = kindOf(memberOf(value, 'logsource', 'service'));
      if (kind !== null && memberOf(value, 'detection') !== undefined) used.add(kind);
    }
    const counted = kindOf(memberOf(detector.params, 'kind'));
    if (counted !== null) used.add(counted);
    for (const kind of used)
      if (!detector.needs.sources.includes(kind))
        say(
          outer.lineOf(['plumbline', 'needs', 'sources']),
          `looks at ${kind}, and does not need it: add it, or nobody is told when it is blind`,
        );
    return list;
  },
};

const needsEvidence: LintRule = {
  name: 'needs-evidence',
  says: 'The evidence level named is enough for every field that is asked.',
  check: (file) => {
    const { list, say } = findings(file, 'needs-evidence', 'warning');
    const { detector, outer } = file;
    if (detector === null || outer === null) return list;
    const rank = (level: EvidenceLevel) => EVIDENCE_LEVELS.indexOf(level);
    const most = fieldsOf(file).reduce<{ field: string; level: EvidenceLevel } | null>(
      (high, { field }) => {
        const level = levelOfField(field);
        return rank(level) > rank(high?.level ?? 'L0') ? { field, level } : high;
      },
      null,
    );
    if (most !== null && rank(most.level) > rank(detector.needs.evidence))
      say(
        outer.lineOf(['plumbline', 'needs', 'evidence']),
        `${most.field} is there from ${most.level} on: write \`evidence: ${most.level}\`, or below it silence looks like soundness`,
      );
    return list;
  },
};

const OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'];

/** Syntax of RE2 that PCRE and Python read otherwise or not at all. */
const RE2_ONLY: readonly (readonly [RegExp, string])[] = [
  [/\\z/, '`\\z`: write `$`'],
  [/\\C/, '`\\C`: write `.`'],
  [/\\[pP][A-Z](?![a-z{])/, 'a one-letter class such as `\\pL`: write `\\p{L}`'],
  [/\(\?[imsU]*U/, 'the flag U: write `*?` where the shortest is wanted'],
  [/\[\[:\^?\w+:\]/, 'a POSIX class such as `[[:alpha:]]`: write the characters'],
];

const notPortable: LintRule = {
  name: 'not-portable',
  says: 'The text means the same to other Sigma engines; ours understands it either way.',
  check: (file) => {
    const { list, say } = findings(file, 'not-portable', 'warning');
    for (const { value, lineOf } of file.documents) {
      const condition = memberOf(value, 'correlation', 'condition');
      const line = lineOf(['correlation', 'condition']);
      const operators = OPERATORS.filter((key) => memberOf(condition, key) !== undefined);
      if (operators.length > 1)
        say(
          line,
          `${operators.join(' and ')} together: pySigma takes one operator; write two correlations`,
        );
      if (typeof condition === 'string')
        say(
          line,
          'a condition over rule names is a proposal (SEP 198), in no released specification',
        );
      if (memberOf(value, 'correlation', 'type') === 'value_median')
        say(
          lineOf(['correlation', 'type']),
          'value_median is pySigma’s own: write value_percentile with `percentile: 50`',
        );
    }
    const { detector, outer } = file;
    const window = memberOf(outer?.value, 'plumbline', 'window');
    if (window === 'tumbling' || window === 'session')
      say(
        outer?.lineOf(['plumbline', 'window']) ?? null,
        `window: ${window} is ours: other engines slide a window of \`timespan\``,
      );
    for (const rule of detector?.sigma?.rules ?? [])
      for (const [pattern, at] of regexesOf(rule, file))
        for (const [syntax, instead] of RE2_ONLY)
          if (syntax.test(pattern)) say(at, `only RE2 reads ${instead}`);
    return list;
  },
};

const baseLacksField: LintRule = {
  name: 'base-lacks-field',
  says: 'Of a correlation that it is built on, a correlation asks only for what that groups by.',
  check: (file) => {
    const { list, say } = findings(file, 'base-lacks-field', 'warning');
    const sigma = file.detector?.sigma;
    if (sigma == null) return list;
    const texts = file.documents
      .filter(({ value }) => memberOf(value, 'correlation') !== undefined)
      .map(({ value, lineOf }) => ({ document: value, where: { file: file.file, lineOf } }));
    const { rules } = linkFile('', sigma, texts);
    const groupsBy = new Map(rules.map(({ key, name, groupBy }) => [key, { name, groupBy }]));
    for (const rule of rules) {
      const text = texts.find(({ document }) => memberOf(document, 'name') === rule.name);
      const asked: [field: string, path: string[]][] = rule.fields.map((field) => [
        field,
        ['correlation', 'condition', 'field'],
      ]);
      // A group without the value is a group too where that is asked for.
      if (rule.missingGroup === 'skip')
        for (const field of rule.groupBy) asked.push([field, ['correlation', 'group-by']]);
      for (const [place, key] of rule.bases.entries()) {
        const base = groupsBy.get(key);
        if (base === undefined) continue;
        for (const [field, path] of asked) {
          const name = fieldAt(rule, field, place);
          if (base.groupBy.includes(name)) continue;
          say(
            text?.where.lineOf(path) ?? null,
            `${base.name} does not group by ${name}: what it fires has only ${base.groupBy.join(', ')}, and is never counted here`,
          );
        }
      }
    }
    return list;
  },
};

function regexesOf(rule: SigmaRule, { documents }: LintedDetector): [string, number | null][] {
  const document = documents.find(({ value }) => memberOf(value, 'name') === rule.name);
  const found: [string, number | null][] = [];
  const walk = (clause: Clause, name: string): void => {
    if (clause.type === 'and' || clause.type === 'or')
      for (const item of clause.items) walk(item, name);
    else if (clause.type === 'not') walk(clause.item, name);
    else if (clause.type === 'match' && clause.test.type === 'regex')
      found.push([
        clause.test.pattern,
        document?.lineOf(['detection', name, clause.wrote.key]) ?? null,
      ]);
  };
  for (const [name, clause] of rule.selections) walk(clause, name);
  return found;
}

/** Rules about what is looked for. */
export const SIGMA_RULES: readonly LintRule[] = [
  fieldUnknown,
  needsSource,
  needsEvidence,
  notPortable,
  baseLacksField,
];
