/** Mapping files compiled to decoders: any JSON to canonical events, by data instead of code. */
import type { Problem } from '../model/errors.ts';
import type { Kind } from '../model/event.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';
import { compileBody, fieldCompiler, type Part } from './body.ts';
import {
  BODY_OF,
  checkParts,
  type Draft,
  type Format,
  isRejection,
  type Outcome,
} from './draft.ts';
import { compileFrom, compilePointer, compileTime, fail } from './field.ts';
import { decodeJson, type Facts } from './json.ts';
import { MappingDocument } from './mapping-schema.ts';

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
  mappings: Map<string, Format>;
  problems: Problem[];
} {
  const problems: Problem[] = [];
  const groups = new Map<string, Group>();
  for (const { file, documents } of files) {
    documents.forEach((document, at) => {
      const base = documents.length > 1 ? [`#${at + 1}`] : [];
      const where: Located = { file, lineOf: (path) => document.lineOf(path.slice(base.length)) };
      const found = schemaProblems(MappingDocument, document.value, where, base);
      const name = formatName(document.value);
      const group = groups.get(name) ?? { file, plans: [], isBroken: false };
      groups.set(name, group);
      if (found.length === 0) {
        const report: Report = (path, message) =>
          void found.push(problemAt(where, [...base, ...path], message));
        const mapping = document.value as MappingDocument;
        reportMeaning(mapping, group, file, report);
        group.plans.push(compilePlan(mapping, report));
      }
      if (found.length > 0) group.isBroken = true;
      problems.push(...found);
    });
  }
  const mappings = new Map<string, Format>();
  for (const [name, { plans, isBroken }] of groups) {
    if (!isBroken) mappings.set(name, formatOf(name, plans));
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
  const wanted = blockOf(mapping.kind);
  for (const block of ['reasoning', 'action', 'governance', 'metrics'] as const) {
    if ((mapping[block] !== undefined) === (block === wanted)) continue;
    if (block === wanted) report([], `missing key \`${block}\`: kind ${mapping.kind} needs it`);
    else report([block], `not allowed with kind ${mapping.kind}; use \`${wanted}\``);
  }
  for (const pointer of Object.keys(mapping.when ?? {})) {
    if (!/^(\/([^~/]|~[01])*)*$/u.test(pointer)) {
      report(['when', pointer], 'must be a JSON Pointer such as /type');
    }
  }
}

function blockOf(kind: Kind): 'reasoning' | 'action' | 'governance' | 'metrics' {
  const body = BODY_OF[kind];
  return body === 'metric' ? 'metrics' : body;
}

/** Documents that look at the same part of a record; `items` is null where that part is missing. */
interface View {
  readonly items: (value: unknown, facts: Facts) => readonly unknown[] | null;
  readonly plans: readonly Plan[];
}

function formatOf(name: string, plans: readonly Plan[]): Format {
  const views: { key: string; items: View['items']; plans: Plan[] }[] = [];
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
    kinds: [...new Set(plans.map(({ source }) => source.kind))],
    decode: (value, facts) => decodeViews(views, unmatched, value, facts),
  };
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
      const plan = plans.find((one) => one.matches(found[0]));
      if (plan === undefined) continue;
      return plan.decode(found[0], facts);
    }
    const matched = found.map((item) => plans.find((plan) => plan.matches(item)));
    if (matched.every((plan) => plan === undefined)) continue;
    return matched.flatMap((plan, at) => plan?.decode(found[at], facts) ?? [unmatched]);
  }
  if (facts.failure === null) return [unmatched];
  const rejection = facts.failure;
  facts.failure = null;
  return [{ type: 'rejected', rejection }];
}

function compileItems({ unwrap, each }: MappingDocument): View['items'] {
  const unwrapAt = unwrap === undefined ? null : compileFrom(unwrap);
  const eachAt = each === undefined ? null : compileFrom(each);
  return (value, facts) => {
    let inner = value;
    if (unwrapAt !== null) {
      inner = unwrapAt(value);
      if (typeof inner === 'string') {
        const result = decodeJson(Buffer.from(inner, 'utf8'), facts);
        if (!result.ok)
          fail(facts, result.rejection.reason, `${unwrap}: ${result.rejection.detail}`);
        inner = result.ok ? result.value : undefined;
      }
    }
    if (eachAt === null) return inner === undefined ? null : [inner];
    const items = eachAt(inner);
    return Array.isArray(items) ? items : null;
  };
}

function compilePlan(mapping: MappingDocument, report: Report): Plan {
  const field = fieldCompiler(report);
  const readTime = compileTime(mapping.time.from, mapping.time.as);
  const readId = mapping.id === undefined ? null : field(['id'], mapping.id);
  const body = compileBody(mapping, field);
  return {
    source: mapping,
    matches: compileWhen(mapping.when ?? {}),
    decode(item, facts) {
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
      return made.map((part) => outcomeOf(part, native, time));
    },
  };
}

function outcomeOf({ part, fields }: Part, id: string | undefined, time: Draft['time']): Outcome {
  const parts = checkParts(fields);
  return isRejection(parts)
    ? { type: 'rejected', rejection: parts }
    : { type: 'draft', draft: { id, part, time, parts } };
}

function isIdText(text: string): boolean {
  return text.length >= 1 && text.length <= 512;
}

function compileWhen(when: NonNullable<MappingDocument['when']>): (item: unknown) => boolean {
  const tests = Object.entries(when).map(([pointer, want]) => {
    const read = compilePointer(pointer);
    if (typeof want === 'object' && !Array.isArray(want)) {
      return (item: unknown) => ((read(item) ?? undefined) !== undefined) === want.exists;
    }
    const allowed = new Set<unknown>(Array.isArray(want) ? want : [want]);
    return (item: unknown) => allowed.has(read(item));
  });
  return (item) => tests.every((test) => test(item));
}
