/** Envelopes and bodies of mapped events, built from compiled fields of a mapping. */
import { ActionBody } from '../model/event-action.ts';
import { CHANGES, TOOL_CLASSES, TOOL_TIERS } from '../model/event-governance.ts';
import { BODY_OF } from './draft.ts';
import { compileField, fail, type Read } from './field.ts';
import type { Conversion, Field } from './field-schema.ts';
import type { Facts } from './json.ts';
import { type EventDocument, type MappingDocument, MIRRORED } from './mapping-schema.ts';
import { compileMirror } from './mirror-reader.ts';
import { compileFrom, pointerName } from './pointer.ts';

/** One event in the making: fields not yet checked, and its name where an item makes several. */
export interface Part {
  readonly part: string | null;
  readonly fields: Readonly<Record<string, unknown>>;
}

type Path = readonly (string | number)[];
type Fields = Readonly<Record<string, Read>>;
type Block<K extends keyof MappingDocument> = NonNullable<MappingDocument[K]>;

/** Compiles one field; `words` are the only values it may give. Reports what can never work. */
export type CompileField = (path: Path, spec: Field, words?: readonly string[]) => Read;

/** A compiler of fields that reports what a schema cannot say. */
export function fieldCompiler(report: (path: Path, message: string) => void): CompileField {
  const inspect = (path: Path, spec: Field, words: readonly string[] | undefined): void => {
    if (typeof spec !== 'object' || Array.isArray(spec)) return;
    const { from, const: fixed, first, setting } = spec;
    const { default: fallback, map = {}, prefix } = spec;
    const isGiven = from !== undefined || fixed !== undefined || first !== undefined;
    if (!isGiven && setting === undefined) report(path, 'needs `from`, `const` or `first`');
    for (const word of [fixed, fallback, ...Object.values(map)]) {
      if (word === undefined || words === undefined || prefix !== undefined) continue;
      if (words.includes(String(word))) continue;
      report(path, `gives \`${String(word)}\`; allowed: ${words.join(', ')}`);
    }
    for (const [at, one] of (first ?? []).entries()) inspect([...path, 'first', at], one, words);
  };
  return (path, spec, words) => {
    inspect(path, spec, words);
    return compileField(spec);
  };
}

/** Compiles all of a mapping but its time and id: one item gives one part, or one for each metric. */
export function compileBody(
  mapping: EventDocument,
  field: CompileField,
): (item: unknown, facts: Facts) => readonly Part[] {
  const envelope = compileEnvelope(mapping, field);
  const { kind, metrics } = mapping;
  if (metrics !== undefined) return compileMetrics(metrics, envelope, field);
  const name = BODY_OF[kind];
  const body = compileOneBody(mapping, field);
  return (item, facts) => {
    const fields: Record<string, unknown> = { kind };
    for (const [key, read] of envelope) {
      const value = read(item, facts);
      if (value !== undefined) fields[key] = value;
    }
    fields[name] = body(item, facts);
    return [{ part: null, fields }];
  };
}

function compileOneBody(mapping: EventDocument, field: CompileField): Read {
  if (mapping.reasoning !== undefined) return compileReasoning(mapping.reasoning, field);
  if (mapping.action !== undefined) return compileAction(mapping.action, field);
  if (mapping.governance !== undefined) return compileGovernance(mapping.governance, field);
  return () => undefined;
}

/** Reads an object of those fields that are present; undefined where none is. */
function objectOf(fields: Fields): Read<Record<string, unknown>> {
  const names = Object.keys(fields);
  const reads = Object.values(fields);
  return (item, facts) => {
    let made: Record<string, unknown> | undefined;
    for (let at = 0; at < reads.length; at += 1) {
      const value = (reads[at] as Read)(item, facts);
      if (value === undefined) continue;
      made ??= {};
      made[names[at] as string] = value;
    }
    return made;
  };
}

/** Compiles every member of a block that is a field of itself. */
function fieldsIn(
  path: Path,
  block: object,
  field: CompileField,
  words: Readonly<Record<string, readonly string[]>> = {},
): Record<string, Read> {
  const reads: Record<string, Read> = {};
  for (const [name, spec] of Object.entries(block) as [string, Field | undefined][]) {
    if (spec !== undefined) reads[name] = field([...path, name], spec, words[name]);
  }
  return reads;
}

function compileEnvelope(mapping: EventDocument, field: CompileField): (readonly [string, Read])[] {
  const { category, order, tenant, agent, role, session, principal, keys, evidence } = mapping;
  const parts: [string, Read][] = [
    ['category', typeof category === 'string' ? () => category : field(['category'], category)],
  ];
  if (order !== undefined) {
    const seq = field(['order', 'seq'], order.seq);
    parts.push([
      'order',
      (item, facts) => {
        const value = seq(item, facts);
        return value === undefined ? undefined : { seq: value, of: order.of };
      },
    ]);
  }
  if (tenant !== undefined) parts.push(['tenant', field(['tenant'], tenant)]);
  if (agent !== undefined) parts.push(['agent', compileAgent(agent, role, field)]);
  if (session !== undefined) {
    const { parent } = session;
    const id = identity(session.from, session.as);
    const rest = parent === undefined ? null : field(['session', 'parent'], parent);
    parts.push([
      'session',
      (item, facts) => {
        const found = id(item, facts);
        if (found === undefined) return undefined;
        const above = rest?.(item, facts);
        return above === undefined ? { id: found } : { id: found, parent: above };
      },
    ]);
  }
  if (principal !== undefined) {
    parts.push(['principal', objectOf({ sub: field(['principal', 'sub'], principal.sub) })]);
  }
  if (keys !== undefined) parts.push(['keys', objectOf(fieldsIn(['keys'], keys, field))]);
  if (evidence !== undefined) {
    const chain = objectOf(fieldsIn(['evidence', 'chain'], evidence.chain, field));
    parts.push([
      'evidence',
      (item, facts) => {
        const link = chain(item, facts);
        return link?.['hash'] === undefined ? undefined : { level: 'L0', chain: link };
      },
    ]);
  }
  return parts;
}

function identity(
  from: string | readonly string[],
  as: Conversion | undefined,
  prefix?: string,
): Read {
  if (as === undefined && prefix === undefined) return compileFrom(from);
  const spec = { from: from as string };
  return compileField({
    ...spec,
    ...(as === undefined ? {} : { as }),
    ...(prefix === undefined ? {} : { prefix }),
  });
}

/** Every identity that is named, in the order of the mapping; the first is the agent's until the source says more. */
function compileAgent(agent: Block<'agent'>, role: Field | undefined, field: CompileField): Read {
  const candidates = (Array.isArray(agent) ? agent : [agent]).map(
    ({ basis, from, as, prefix, issuer, subject, instance }) => ({
      basis,
      read: identity(from, as, prefix),
      issuer: issuer === undefined ? null : compileFrom(issuer),
      more: objectOf(fieldsIn(['agent'], { subject, instance }, field)),
    }),
  );
  const readRole = role === undefined ? null : field(['role'], role);
  return (item, facts) => {
    let made: Record<string, unknown> | undefined;
    let claims: Record<string, unknown>[] | undefined;
    for (const { basis, read, issuer, more } of candidates) {
      const id = read(item, facts);
      if (id === undefined || id === '') continue;
      const iss = issuer?.(item);
      const claim: Record<string, unknown> = { basis: basis ?? 'self', value: id };
      if (typeof iss === 'string') claim['issuer'] = iss;
      if (made === undefined) {
        made = basis === undefined ? { id } : { id, basis };
        claims = [claim];
        const named = readRole?.(item, facts);
        if (named !== undefined) made['role'] = named;
        Object.assign(made, more(item, facts));
      } else claims?.push(claim);
    }
    // One claim without an issuer says no more than id and basis do.
    if (made === undefined || claims === undefined) return undefined;
    if (claims.length > 1 || claims[0]?.['issuer'] !== undefined) made['claims'] = claims;
    return made;
  };
}

/** Reads a list: an object for each item of an array; a missing array is an empty list. */
function listOf(each: string, fields: Fields, isEmptyKept: boolean): Read {
  const find = compileFrom(each);
  const one = objectOf(fields);
  return (item, facts) => {
    const items = find(item);
    if (items === undefined) return isEmptyKept ? [] : undefined;
    if (Array.isArray(items)) return items.map((inner: unknown) => one(inner, facts) ?? {});
    fail(facts, 'field-type', `${pointerName(each)}: must be an array`);
    return [];
  };
}

/** Readers of what a block fills in the shape of the event itself; the rest of it, with plain fields. */
function mirrorIn<B extends object>(
  name: keyof typeof MIRRORED,
  path: Path,
  block: B,
  field: CompileField,
): { readonly plain: B; readonly mirror: Record<string, Read> } {
  const part = MIRRORED[name];
  const mirror = compileMirror(part, block as Readonly<Record<string, unknown>>, path, {
    field,
    objectOf,
    listOf: (each, fields) => listOf(each, fields, false),
  });
  const plain = Object.entries(block).filter(([key]) => !Object.hasOwn(part.properties ?? {}, key));
  return { plain: Object.fromEntries(plain) as B, mirror };
}

function compileReasoning(block: Block<'reasoning'>, field: CompileField): Read {
  const { plain: own, mirror } = mirrorIn('reasoning', ['reasoning'], block, field);
  const { tokens, intents, claims, ...plain } = own;
  const fields = { ...fieldsIn(['reasoning'], plain, field), ...mirror };
  if (tokens !== undefined) {
    fields['tokens'] = objectOf(fieldsIn(['reasoning', 'tokens'], tokens, field));
  }
  for (const [name, calls] of Object.entries({ intents, claims })) {
    if (calls === undefined) {
      fields[name] = () => [];
      continue;
    }
    const path = ['reasoning', name];
    const { plain: stated, mirror: digests } = mirrorIn('call', path, calls, field);
    const { each, ...members } = stated;
    const words = { toolType: ['function', 'provider', 'local', 'datastore'], outcome: OUTCOMES };
    const reads = { ...fieldsIn(path, members, field, words), ...digests };
    fields[name] = listOf(each, reads, true);
  }
  return objectOf(fields);
}

const DECISIONS = ActionBody.properties.decision.enum;
const OUTCOMES = ActionBody.properties.outcome.enum;
const PHASES = ActionBody.properties.phase.enum;

function compileAction(block: Block<'action'>, field: CompileField): Read {
  const { plain: own, mirror } = mirrorIn('action', ['action'], block, field);
  const { policy, ...plain } = own;
  const words = { phase: PHASES, decision: DECISIONS, outcome: OUTCOMES };
  const fields = { ...fieldsIn(['action'], plain, field, words), ...mirror };
  if (policy !== undefined) {
    fields['policy'] = objectOf(fieldsIn(['action', 'policy'], policy, field));
  }
  const read = objectOf(fields);
  return (item, facts) => {
    const made = read(item, facts) ?? {};
    made['decision'] ??= 'unknown';
    made['outcome'] ??= 'unknown';
    // The phase is the last stage that the record proves.
    if (made['outcome'] !== 'unknown') made['phase'] ??= 'result';
    else made['phase'] ??= made['decision'] === 'unknown' ? 'attempt' : 'decision';
    return made;
  };
}

function compileGovernance(block: Block<'governance'>, field: CompileField): Read {
  const { plain: own, mirror } = mirrorIn('governance', ['governance'], block, field);
  const { change, target, actor, detail, approval } = own;
  const fields: Record<string, Read> = {
    ...(change === undefined ? {} : { change: field(['governance', 'change'], change, CHANGES) }),
    ...mirror,
  };
  if (target !== undefined) {
    fields['target'] = objectOf(fieldsIn(['governance', 'target'], target, field));
  }
  if (actor !== undefined) fields['actor'] = field(['governance', 'actor'], actor);
  if (detail !== undefined) {
    const path = ['governance', 'detail'];
    const { plain: described, mirror: more } = mirrorIn('detail', path, detail, field);
    const { tools, ...plain } = described;
    const inner = { ...fieldsIn(path, plain, field), ...more };
    if (tools !== undefined) {
      const at = [...path, 'tools'];
      const { plain: held, mirror: limits } = mirrorIn('granted', at, tools, field);
      const { each, ...members } = held;
      const words = { class: TOOL_CLASSES, tier: TOOL_TIERS };
      const reads = { ...fieldsIn(at, members, field, words), ...limits };
      const list = listOf(each, reads, false);
      inner['tools'] = (item, facts) =>
        (list(item, facts) as unknown[] | undefined)?.filter(namesTool);
    }
    fields['detail'] = objectOf(inner);
  }
  if (approval !== undefined) {
    const path = ['governance', 'approval'];
    const { plain, mirror: more } = mirrorIn('approval', path, approval, field);
    fields['approval'] = objectOf({ ...fieldsIn(path, plain, field), ...more });
  }
  return objectOf(fields);
}

/** False for an item without a name: it grants and plans nothing, and some models list such. */
function namesTool(item: unknown): boolean {
  const { tool } = item as { readonly tool?: unknown };
  return tool !== undefined && tool !== '';
}

function compileMetrics(
  metrics: Block<'metrics'>,
  envelope: readonly (readonly [string, Read])[],
  field: CompileField,
): (item: unknown, facts: Facts) => readonly Part[] {
  const plans = metrics.map(({ name, unit, from, as, type, temporality, attrs }, at) => {
    const fixed = {
      name,
      ...(unit === undefined ? {} : { unit }),
      type,
      temporality: temporality ?? (type === 'counter' ? 'delta' : 'none'),
    };
    const path = ['metrics', at, 'attrs'];
    const more = attrs === undefined ? null : objectOf(fieldsIn(path, attrs, field));
    return { name, fixed, read: identity(from, as), more };
  });
  const names = plans.map((plan) => plan.name).join(', ');
  return (item, facts) => {
    const shared: Record<string, unknown> = { kind: 'metrics' };
    for (const [key, read] of envelope) {
      const value = read(item, facts);
      if (value !== undefined) shared[key] = value;
    }
    const made: Part[] = [];
    for (const { name, fixed, read, more } of plans) {
      const value = read(item, facts);
      if (value === undefined) continue;
      const attrs = more?.(item, facts);
      const metric = attrs === undefined ? { ...fixed, value } : { ...fixed, value, attrs };
      made.push({ part: name, fields: { ...shared, metric } });
    }
    if (made.length === 0) fail(facts, 'field-missing', `none of the metrics is present: ${names}`);
    return made;
  };
}
