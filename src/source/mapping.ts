/** Mapping files compiled to decoders: any JSON to canonical events, by data instead of code. */
import type { Problem } from '../model/errors.ts';
import type { Kind } from '../model/event.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';
import type { Account } from './account.ts';
import { type CompileField, compileBody, fieldCompiler, type Part } from './body.ts';
import { compileWhen } from './condition.ts';
import {
  BODY_OF,
  type ByteFormat,
  checkParts,
  type Draft,
  type Format,
  isRejection,
  type Outcome,
  type Tailored,
  type Tailoring,
} from './draft.ts';
import { compileTime, type Read } from './field.ts';
import { type CloudEvent, cloudEventId } from './formats/cloudevents-envelope.ts';
import { type Facts, noFacts } from './json.ts';
import { accountOf, unmatched as unmatchedItem } from './mapping-account.ts';
import { byLines, compileItems, type Items, inCloudEvents, withFacts } from './mapping-items.ts';
import { type EventDocument, MappingDocument } from './mapping-schema.ts';
import { inherited, settingsIn, tailor } from './mapping-settings.ts';

/** A parsed YAML file; what adapters/files gives. */
export interface MappingFile {
  readonly file: string;
  readonly documents: readonly {
    readonly value: unknown;
    lineOf(path: readonly (string | number)[]): number | null;
  }[];
}

type Path = readonly (string | number)[];
type Report = (path: Path, message: string) => void;

/** One document, compiled. */
interface Plan {
  readonly source: MappingDocument;
  matches(item: unknown): boolean;
  decode(item: unknown, facts: Facts): readonly Outcome[];
}

interface Group {
  readonly file: string;
  readonly plans: Plan[];
  isBroken: boolean;
}

/**
 * Compiles every document of every file. All problems of all files are returned, none thrown; a
 * format with a problem is left out. One format lives in one file.
 */
export function compileMappings(files: readonly MappingFile[]): {
  mappings: Map<string, Format | ByteFormat>;
  problems: Problem[];
} {
  const problems: Problem[] = [];
  const groups = new Map<string, Group>();
  for (const { file, documents } of files) {
    const common = new Map<string, unknown>();
    documents.forEach((document, at) => {
      const base = documents.length > 1 ? [`#${at + 1}`] : [];
      const where: Located = { file, lineOf: (path) => document.lineOf(path.slice(base.length)) };
      const name = formatName(document.value);
      const value = inherited(document.value, common.get(name));
      const found = schemaProblems(MappingDocument, value, where, base);
      const group = groups.get(name) ?? { file, plans: [], isBroken: false };
      groups.set(name, group);
      if (found.length === 0) {
        const report: Report = (path, message) =>
          void found.push(problemAt(where, [...base, ...path], message));
        const mapping = value as MappingDocument;
        if (mapping.common === true) common.set(name, value);
        else {
          reportMeaning(mapping, group, file, report);
          if (isComplete(mapping)) group.plans.push(compilePlan(mapping, report));
        }
      }
      if (found.length > 0) group.isBroken = true;
      problems.push(...found);
    });
  }
  const mappings = new Map<string, Format | ByteFormat>();
  for (const [name, { plans, isBroken, file }] of groups) {
    if (!isBroken) mappings.set(name, formatOf(name, plans, file));
  }
  return { mappings, problems };
}

function formatName(value: unknown): string {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'format')) return '';
  const { format } = value as { readonly format: unknown };
  return typeof format === 'string' ? format : '';
}

/** What a schema cannot say: the body fits the kind, pointers are pointers, one home a format. */
function reportMeaning(mapping: MappingDocument, group: Group, file: string, report: Report): void {
  if (group.file !== file) {
    report(['format'], `${mapping.format} is already defined in ${group.file}`);
  }
  if (group.plans.some(({ source }) => source.otherwise !== undefined)) {
    report(['otherwise'], 'state `otherwise` in the last document of the format only');
  }
  for (const pointer of Object.keys(mapping.when ?? {})) {
    if (!/^(\/([^~/]|~[01])*)*$/u.test(pointer)) {
      report(['when', pointer], 'must be a JSON Pointer such as /type');
    }
  }
  reportShared(mapping, group, report);
  if (mapping.ignore === true) {
    for (const key of Object.keys(mapping))
      if (!LEFT_OUT_BY.has(key)) report([key], 'not allowed in a document that leaves out');
    return;
  }
  for (const key of ['kind', 'category', 'time'] as const)
    if (mapping[key] === undefined) report([], `missing key \`${key}\``);
  if (mapping.kind === undefined) return;
  const wanted = blockOf(mapping.kind);
  for (const block of ['reasoning', 'action', 'governance', 'metrics'] as const) {
    if ((mapping[block] !== undefined) === (block === wanted)) continue;
    if (block === wanted) report([], `missing key \`${block}\`: kind ${mapping.kind} needs it`);
    else report([block], `not allowed with kind ${mapping.kind}; use \`${wanted}\``);
  }
  if (mapping.action !== undefined && mapping.action.tool === undefined)
    report(['action'], 'missing key `tool`');
  if (mapping.governance !== undefined && mapping.governance.change === undefined)
    report(['governance'], 'missing key `change`');
}

function isComplete({ ignore, kind, category, time }: MappingDocument): boolean {
  return ignore === true || (kind !== undefined && category !== undefined && time !== undefined);
}

/** Keys of a document that leaves out what it matches. */
const LEFT_OUT_BY: ReadonlySet<string> = new Set([
  'format',
  'unwrap',
  'each',
  'lines',
  'envelope',
  'when',
  'ignore',
  'otherwise',
]);

/** How a record becomes items is one thing for all documents of a format. */
function reportShared(mapping: MappingDocument, group: Group, report: Report): void {
  const first = group.plans[0]?.source;
  if (first === undefined) return;
  for (const key of ['lines', 'envelope'] as const)
    if (first[key] !== mapping[key])
      report([key], 'must be the same in all documents of the format');
  const isTwice = group.plans.some(
    ({ source }) => source.also === true && mapping.also === true && source.kind === mapping.kind,
  );
  if (isTwice && mapping.kind !== 'metrics')
    report(
      ['also'],
      `an earlier document of kind ${mapping.kind} has it: both would bear one identity`,
    );
}

function blockOf(kind: Kind): 'reasoning' | 'action' | 'governance' | 'metrics' {
  const body = BODY_OF[kind];
  return body === 'metric' ? 'metrics' : body;
}

/** Documents that look at the same part of a record. */
interface View {
  readonly items: Items;
  readonly plans: readonly Plan[];
}

/** The documents of one format as a decoder, by the options that all of them share. */
function formatOf(name: string, plans: readonly Plan[], file: string): Format | ByteFormat {
  const format = decoderOf(name, plans);
  const settings = settingsIn(plans.map(({ source }) => source));
  const documents = plans.map(({ source }) => source);
  const ready: Format = {
    ...format,
    ...(settings.length === 0 ? {} : { settings }),
    tailored: (tailoring) => tailored(documents, tailoring, file),
  };
  if (plans.some(({ source }) => source.envelope !== undefined)) return inCloudEvents(ready);
  return plans.some(({ source }) => source.lines === true) ? byLines(ready) : ready;
}

/** Compiles the documents again with the values of a source. */
function tailored(
  documents: readonly MappingDocument[],
  tailoring: Tailoring,
  file: string,
): Tailored {
  const { made, unknown } = tailor(documents, tailoring);
  const read = compileMappings([
    { file, documents: made.map((value) => ({ value, lineOf: () => null })) },
  ]);
  const problems = [...unknown, ...read.problems.map(({ key, message }) => `${key}: ${message}`)];
  return { format: read.mappings.values().next().value ?? null, problems };
}

function decoderOf(name: string, plans: readonly Plan[]): Format {
  const views: { key: string; items: Items; plans: Plan[] }[] = [];
  for (const plan of plans) {
    const { unwrap, each } = plan.source;
    const key = JSON.stringify([unwrap ?? null, each ?? null]);
    let view = views.find((one) => one.key === key);
    if (view === undefined) {
      view = { key, items: compileItems(plan.source), plans: [] };
      views.push(view);
    }
    view.plans.push(plan);
  }
  const unmatched: Outcome =
    plans.at(-1)?.source.otherwise === 'ignore'
      ? { type: 'ignored' }
      : {
          type: 'rejected',
          rejection: { reason: 'mapping-no-match', detail: `no document of ${name} matches` },
        };
  return {
    name,
    kinds: [...new Set(plans.flatMap(({ source }) => source.kind ?? []))],
    decode: (value, facts) => decodeViews(views, unmatched, value, facts),
    account: (value) => accountViews(views, plans, value),
  };
}

/** The same choice of views and documents as in decoding, told instead of done. */
function accountViews(
  views: readonly View[],
  documents: readonly Plan[],
  value: unknown,
): readonly Account[] {
  for (const { items, plans } of views) {
    const found = items(value, noFacts());
    if (found === null || !found.some((item) => plans.some((plan) => plan.matches(item)))) continue;
    return found.flatMap((item, index) => {
      const matching = plans.filter((plan) => plan.matches(item));
      const last = matching.findIndex(({ source }) => source.also !== true);
      const taken = last < 0 ? matching : matching.slice(0, last + 1);
      if (taken.length === 0) return [unmatchedItem(item, index)];
      return taken.map((plan) => accountOf(plan.source, documents.indexOf(plan) + 1, item, index));
    });
  }
  return [unmatchedItem(value, 0)];
}

/** The first view in which any item finds its document takes the record. */
function decodeViews(
  views: readonly View[],
  unmatched: Outcome,
  value: unknown,
  facts: Facts,
): readonly Outcome[] {
  for (const { items, plans } of views) {
    const found = items(value, facts);
    if (found === null) continue;
    if (found.length === 0) return [{ type: 'ignored' }];
    if (found.length === 1) {
      const outcomes = decodeItem(plans, found[0], facts);
      if (outcomes === null) continue;
      return outcomes;
    }
    const matched = found.map((item) => decodeAmong(plans, item, facts));
    if (matched.every((outcomes) => outcomes === null)) continue;
    return matched.flatMap((outcomes) => outcomes ?? [unmatched]);
  }
  if (facts.failure === null) return [unmatched];
  const rejection = facts.failure;
  facts.failure = null;
  return [{ type: 'rejected', rejection }];
}

/** The same for one item of many: what is noticed inside its fields is no fault of the others. */
function decodeAmong(
  plans: readonly Plan[],
  item: unknown,
  facts: Facts,
): readonly Outcome[] | null {
  const own = noFacts();
  const outcomes = decodeItem(plans, item, own);
  if (own.truncated) facts.truncated = true;
  return outcomes?.map((outcome) => withFacts(outcome, own)) ?? null;
}

/** What the documents that match make of an item; null where none does. */
function decodeItem(
  plans: readonly Plan[],
  item: unknown,
  facts: Facts,
): readonly Outcome[] | null {
  let made: readonly Outcome[] | null = null;
  for (const plan of plans) {
    if (!plan.matches(item)) continue;
    const outcomes = plan.decode(item, facts);
    made = made === null ? outcomes : [...made, ...outcomes];
    if (plan.source.also !== true) break;
  }
  return made;
}

function compilePlan(mapping: MappingDocument, report: Report): Plan {
  const matches = compileWhen(mapping.when ?? {});
  if (mapping.ignore === true)
    return { source: mapping, matches, decode: () => [{ type: 'ignored' }] };
  return { source: mapping, matches, decode: compileEvents(mapping as EventDocument, report) };
}

function compileEvents(mapping: EventDocument, report: Report): Plan['decode'] {
  const field = fieldCompiler(report);
  const readTime = compileTime(mapping.time.from, mapping.time.as);
  const readId = readerOfId(mapping, field);
  const body = compileBody(mapping, field);
  const extra = mapping.also === true ? mapping.kind : null;
  return (item, facts) => {
    const time = readTime(item, facts);
    const id = readId === null ? undefined : readId(item, facts);
    const made = body(item, facts);
    const failure = facts.failure;
    facts.failure = null;
    if (failure !== null || time === undefined) {
      const rejection = failure ?? { reason: 'field-missing', detail: '/: missing time' };
      return [{ type: 'rejected', rejection }];
    }
    const native = typeof id === 'number' ? String(id) : id;
    if (native !== undefined && !(typeof native === 'string' && isIdText(native))) {
      const detail = '/id: must be a string of 1 to 512 characters, or a number';
      return [{ type: 'rejected', rejection: { reason: 'field-type', detail } }];
    }
    return made.map((part) => outcomeOf(part, native, time, extra));
  };
}

/** The producer's id; of a CloudEvent, source and id together are unique. */
function readerOfId(mapping: EventDocument, field: CompileField): Read | null {
  if (mapping.id !== undefined) return field(['id'], mapping.id);
  return mapping.envelope === undefined ? null : (item) => cloudEventId(item as CloudEvent);
}

function outcomeOf(
  { part, fields }: Part,
  id: string | undefined,
  time: Draft['time'],
  extra: string | null,
): Outcome {
  const parts = checkParts(fields);
  if (isRejection(parts)) return { type: 'rejected', rejection: parts };
  const draft: Draft = { id, part: part ?? extra, time, parts };
  return { type: 'draft', draft: extra === null ? draft : { ...draft, isExtra: true } };
}

function isIdText(text: string): boolean {
  return text.length >= 1 && text.length <= 512;
}
