/** Correlation suite: reads its files, and runs a case in any order, with repeats and crashes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { parse, parseAllDocuments } from 'yaml';
import {
  type CorrelationRule,
  readCorrelation,
} from '../src/detect/sigma/correlation/definition.ts';
import {
  type LinkBase,
  linkCorrelations,
  silentBases,
} from '../src/detect/sigma/correlation/link.ts';
import { createMatcher, type Matcher } from '../src/detect/sigma/matcher.ts';
import { readRule } from '../src/detect/sigma/parse.ts';
import { recordView } from '../src/detect/sigma/view.ts';
import type { Problem } from '../src/model/errors.ts';
import { KINDS } from '../src/model/event.ts';
import type { SigmaRule } from '../src/model/sigma.ts';
import { type LaneEvent, type LaneResult, runLane } from './detect/sigma/correlation/lane.ts';

const FOLDER = join(import.meta.dirname, 'correlation-suite');
const strict = { additionalProperties: false } as const;
const Source = Type.Enum(KINDS);

const Event = Type.Object(
  { id: Type.String(), t: Type.Number(), event: Type.String(), source: Type.Optional(Source) },
  { additionalProperties: true },
);

const Expected = Type.Object(
  {
    rule: Type.Optional(Type.String()),
    evidence: Type.Array(Type.String(), { minItems: 1 }),
    at: Type.Optional(Type.Number()),
    late: Type.Optional(Type.Literal(true)),
    order: Type.Optional(Type.Literal('uncertain')),
    retracted: Type.Optional(Type.Literal(true)),
  },
  strict,
);

const Case = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9-]+$' }),
    why: Type.String({ minLength: 3 }),
    correlations: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1 }),
    lateness: Type.Optional(Type.Number({ minimum: 0 })),
    blind: Type.Optional(
      Type.Array(
        Type.Object(
          {
            source: Source,
            from: Type.Number(),
            to: Type.Number(),
            known: Type.Optional(Type.Number()),
          },
          strict,
        ),
      ),
    ),
    events: Type.Optional(Type.Array(Event)),
    expect: Type.Optional(Type.Array(Expected)),
    undecided: Type.Optional(Type.Integer()),
    evicted: Type.Optional(Type.Integer()),
    refused: Type.Optional(Type.String()),
  },
  strict,
);

const File = Type.Object(
  { format: Type.Literal(1), lateness: Type.Optional(Type.Number()), cases: Type.Array(Case) },
  strict,
);

/** One expected alert. */
export type Expected = Static<typeof Expected>;

/** One case, with the lateness of its file. */
export type SuiteCase = Static<typeof Case> & { readonly file: string };

/** Seconds that events may come out of order where nothing else is said. */
const LATENESS = 10;
const checkFile = Compile(File);

/** Base rules of the suite. */
export interface SuiteRules {
  readonly rules: readonly SigmaRule[];
  readonly matcher: Matcher;
  readonly bases: readonly LinkBase[];
}

/** Reads a file of cases; throws where it breaks the format. */
export async function readCases(name: string): Promise<SuiteCase[]> {
  const value: unknown = parse(await readFile(join(FOLDER, name), 'utf8'));
  if (!checkFile.Check(value))
    throw new Error(`${name}: ${JSON.stringify(checkFile.Errors(value)).slice(0, 500)}`);
  return value.cases.map((one) => ({
    ...one,
    file: name,
    lateness: one.lateness ?? value.lateness ?? LATENESS,
  }));
}

/** Reads the base rules. */
export async function readSuiteRules(): Promise<SuiteRules> {
  const text = await readFile(join(FOLDER, 'rules.yaml'), 'utf8');
  const rules = [...parseAllDocuments(text)].map((document) => {
    const { rule, problems } = readRule(document.toJS(), {
      file: 'rules.yaml',
      lineOf: () => null,
    });
    if (rule === null) throw new Error(JSON.stringify(problems));
    return rule;
  });
  const bases = rules.map(({ name, id, source }) => {
    const kind = KINDS.find((one) => one === source.service);
    return { key: name, name, id, kinds: kind === undefined ? KINDS : [kind] };
  });
  return { rules, matcher: createMatcher(rules), bases };
}

/** Reads and links the correlations of a case. */
export function linkCase(
  one: SuiteCase,
  { bases }: SuiteRules,
): { readonly rules: readonly CorrelationRule[]; readonly problems: readonly Problem[] } {
  const where = { file: one.file, lineOf: () => null };
  const read = one.correlations.map((document) => readCorrelation(document, where));
  const documents = read.flatMap(({ rule }) => (rule === null ? [] : [{ rule, where }]));
  const linked = linkCorrelations(documents, bases, '');
  return {
    rules: linked.rules,
    problems: [...read.flatMap(({ problems }) => problems), ...linked.problems],
  };
}

/** The events of a case, with the rules each matches. */
export function eventsOf(one: SuiteCase, { rules, matcher }: SuiteRules): LaneEvent[] {
  return (one.events ?? []).map((record) => {
    const { id, t, source = 'gateway', ...fields } = record;
    const log = { product: 'suite', service: source, category: null };
    const matches = matcher.match(recordView(record), log);
    const names = matches.map((at) => (rules[at] as SigmaRule).name);
    return { id, at: t, rules: names, fields, source };
  });
}

/** What a case says, in the form in which it is compared. */
export interface Said {
  readonly alerts: readonly Expected[];
  readonly ids: readonly string[];
  readonly undecided: number;
  readonly evicted: number;
}

/** Runs events for a case. */
export function runCase(
  one: SuiteCase,
  rules: readonly CorrelationRule[],
  events: readonly LaneEvent[],
  crash?: () => boolean,
): Said {
  const silent = silentBases(rules);
  const result = runLane(events, {
    rules,
    lateness: one.lateness ?? LATENESS,
    blind: (one.blind ?? []).map(({ source, ...rest }) => ({ kind: source, ...rest })),
    ...(crash !== undefined && { crash }),
  });
  const fired = result.firings.filter(
    ({ correlation, retracts }) => retracts === null && !silent.has(correlation),
  );
  return {
    alerts: fired.map((firing) => alertOf(one, firing, result)),
    ids: fired.map(({ id }) => id),
    undecided: result.undecided.length,
    evicted: result.evicted.length,
  };
}

function alertOf(
  one: SuiteCase,
  firing: LaneResult['firings'][number],
  { firings }: LaneResult,
): Expected {
  const isGone = firings.some(({ id, retracts }) => id === firing.id && retracts !== null);
  return {
    ...(one.correlations.length > 1 && { rule: firing.correlation }),
    evidence: firing.evidence.map(({ eventId }) => eventId),
    ...(!firing.late && { at: firing.decidedMs / 1000 }),
    ...(firing.late && { late: true as const }),
    ...(firing.orderUncertain && { order: 'uncertain' as const }),
    ...(isGone && { retracted: true as const }),
  };
}
