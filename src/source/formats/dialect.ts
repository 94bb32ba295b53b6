/** Dialects: tables of which attribute means what, and the reader that a list of them makes. */
import type { Attribute, Value } from './otlp.ts';

/** What an attribute can mean. */
export const FIELDS = [
  'op',
  'provider',
  'workload',
  'subject',
  'agentId',
  'agentName',
  'session',
  'user',
  'model',
  'tool',
  'toolType',
  'toolCallId',
  'args',
  'result',
  'offered',
  'inputMessages',
  'outputMessages',
  'tokensIn',
  'tokensOut',
  'cacheRead',
  'cacheWrite',
  'reasoningTokens',
  'finish',
  'method',
  'rpcId',
  'resourceUri',
  'server',
  'status',
  'errorType',
  'requestId',
  'verdict',
  'policy',
  'reason',
  'checkName',
  'checkVerdict',
  'checkScore',
  'checkLabel',
] as const;
/** One of FIELDS. */
export type FieldName = (typeof FIELDS)[number];

/** What a span or log record is about. */
export type Operation =
  | 'model'
  | 'tool'
  | 'agent'
  | 'remote-agent'
  | 'plan'
  | 'memory'
  | 'guardrail'
  | 'evaluation'
  | 'internal';

/** Messages written one attribute a leaf: `llm.output_messages.0.message.tool_calls.1…`. */
export interface Flattened {
  readonly prefix: string;
  /** Between the number of the message and its members, for example `message.`. */
  readonly inner: string;
  readonly role: string;
  readonly content: string;
  readonly finish?: string;
  /** List of calls, and between its numbers and their members. */
  readonly calls: string;
  readonly call: { readonly id: string; readonly name: string; readonly args: string };
  /** Call that a tool's message answers. */
  readonly answers?: string;
}

/** One dialect in one version. Only data: nothing here is code. */
export interface Dialect {
  /** Name and version, for example openinference/2. */
  readonly name: string;
  readonly about: string;
  /** Any of these attributes shows that the dialect is spoken; a final `*` stands for any rest. */
  readonly marks: readonly string[];
  /** Name of the library that made the item: shows it too. */
  readonly scopes?: readonly string[];
  /** Attributes that carry a field, the best first. */
  readonly fields: Readonly<Partial<Record<FieldName, readonly string[]>>>;
  /** What an operation is, by the value of `op`. */
  readonly operations?: Readonly<Record<string, Operation>>;
  /** What the operation is where no attribute says it. */
  readonly otherwise?: Operation;
  /** Fields that are read from the name of the item, by operation. */
  readonly named?: Readonly<Partial<Record<Operation, FieldName>>>;
  /** What policy answered, by the value of `verdict`. */
  readonly verdicts?: Readonly<Record<string, 'allow' | 'deny' | 'modify' | 'escalate' | 'error'>>;
  readonly flattened?: { readonly input?: Flattened; readonly output?: Flattened };
}

/** A field's value and where it was found. */
export interface Found {
  readonly value: Value;
  readonly attribute: string;
  readonly dialect: string;
}

/** What an item says, as far as a dialect is known to us; valid until the reader reads the next one. */
export interface Said {
  /** The dialects spoken, in their order of precedence. */
  readonly dialects: readonly Dialect[];
  get(field: FieldName): Value | undefined;
  /** The same, with its origin. */
  find(field: FieldName): Found | undefined;
  /** Attributes of flattened messages, by what they follow. */
  readonly flat: readonly Attribute[];
  /** Wanted attributes that were named twice. */
  readonly duplicates: number;
}

/** Reads attributes by a list of dialects. */
export interface DialectReader {
  wanted(key: string): boolean;
  /** What attributes say; null where no dialect is spoken. */
  read(attributes: readonly Attribute[], scope: string, name: string): Said | null;
}

interface Compiled {
  readonly dialect: Dialect;
  readonly marks: readonly number[];
  readonly scopes: readonly string[];
  readonly fields: ReadonlyMap<FieldName, readonly number[]>;
}

/** Compiles dialects, the one that wins over the others first. */
export function compileDialects(dialects: readonly Dialect[]): DialectReader {
  const slots = new Map<string, number>();
  const prefixes: string[] = [];
  const slotOf = (key: string): number => {
    const known = slots.get(key) ?? slots.size;
    slots.set(key, known);
    return known;
  };
  const compiled = dialects.map((dialect): Compiled => {
    const { flattened, marks } = dialect;
    for (const one of [flattened?.input, flattened?.output])
      if (one !== undefined && !prefixes.includes(one.prefix)) prefixes.push(one.prefix);
    for (const mark of marks) {
      const prefix = mark.slice(0, -1);
      if (mark.endsWith('*') && !prefixes.includes(prefix)) prefixes.push(prefix);
    }
    const fields = Object.entries(dialect.fields) as [FieldName, readonly string[]][];
    return {
      dialect,
      marks: marks.map(slotOf),
      scopes: dialect.scopes ?? [],
      fields: new Map(fields.map(([field, keys]) => [field, keys.map(slotOf)])),
    };
  });
  const names = [...slots.keys()];
  const prefixOf = (key: string) => prefixes.find((prefix) => key.startsWith(prefix));
  // One array for all items, emptied by what was set: a new one each time is a quarter of the cost.
  const values = new Array<Value | undefined>(names.length).fill(undefined);
  const set: number[] = [];
  return {
    wanted: (key) => slots.has(key) || prefixOf(key) !== undefined,
    read(attributes, scope, name) {
      for (const slot of set) values[slot] = undefined;
      set.length = 0;
      const flat: Attribute[] = [];
      let duplicates = 0;
      for (const attribute of attributes) {
        const slot = slots.get(attribute.key);
        if (slot !== undefined) {
          if (values[slot] !== undefined) duplicates += 1;
          values[slot] = attribute.value ?? undefined;
          set.push(slot);
          continue;
        }
        const prefix = prefixOf(attribute.key);
        if (prefix === undefined) continue;
        flat.push(attribute);
        const mark = slots.get(`${prefix}*`);
        if (mark === undefined) continue;
        values[mark] = true;
        set.push(mark);
      }
      const spoken = compiled.filter(
        ({ marks, scopes }) =>
          marks.some((mark) => values[mark] !== undefined) || scopes.includes(scope),
      );
      return spoken.length === 0 ? null : saidOf(spoken, values, names, flat, duplicates, name);
    },
  };
}

function saidOf(
  spoken: readonly Compiled[],
  values: readonly (Value | undefined)[],
  names: readonly string[],
  flat: readonly Attribute[],
  duplicates: number,
  name: string,
): Said {
  const slotFor = (field: FieldName): [number, Compiled] | undefined => {
    for (const one of spoken) {
      const keys = one.fields.get(field);
      if (keys === undefined) continue;
      for (const slot of keys) if (values[slot] !== undefined) return [slot, one];
    }
    return undefined;
  };
  const byName = (field: FieldName): Dialect | undefined => {
    const op = operationIn(spoken, (one) => {
      const found = slotFor(one);
      return found === undefined ? undefined : values[found[0]];
    });
    return spoken.find(({ dialect }) => dialect.named?.[op] === field)?.dialect;
  };
  return {
    dialects: spoken.map(({ dialect }) => dialect),
    flat,
    duplicates,
    get(field) {
      const found = slotFor(field);
      if (found !== undefined) return values[found[0]];
      return byName(field) === undefined || name === '' ? undefined : name;
    },
    find(field) {
      const found = slotFor(field);
      if (found !== undefined) {
        const [slot, { dialect }] = found;
        return {
          value: values[slot] as Value,
          attribute: names[slot] as string,
          dialect: dialect.name,
        };
      }
      const dialect = name === '' ? undefined : byName(field);
      return dialect && { value: name, attribute: '(name)', dialect: dialect.name };
    },
  };
}

/** What was read of an item, field by field, for a person. */
export interface DialectAccount {
  readonly dialects: readonly string[];
  readonly operation: Operation;
  /** Fields that were found: in which attribute, by which dialect. No values. */
  readonly found: readonly Omit<Found & { readonly field: FieldName }, 'value'>[];
  /** Fields that the dialects spoken could carry, and that no attribute did. */
  readonly missing: readonly FieldName[];
}

/** Tells what an item says without saying it: names only, so that it can be shown to anybody. */
export function accountOf(said: Said): DialectAccount {
  const found: { field: FieldName; attribute: string; dialect: string }[] = [];
  const missing: FieldName[] = [];
  for (const field of FIELDS) {
    const at = said.find(field);
    if (at !== undefined) found.push({ field, attribute: at.attribute, dialect: at.dialect });
    else if (said.dialects.some(({ fields }) => fields[field] !== undefined)) missing.push(field);
  }
  return {
    dialects: said.dialects.map(({ name }) => name),
    operation: operationOf(said),
    found,
    missing,
  };
}

/** What an item is about, by the dialects it speaks; `internal` where none of them knows. */
export function operationOf(said: Said): Operation {
  return operationIn(
    said.dialects.map((dialect) => ({ dialect })),
    (field) => said.get(field),
  );
}

function operationIn(
  spoken: readonly { readonly dialect: Dialect }[],
  get: (field: FieldName) => Value | undefined,
): Operation {
  const op = get('op');
  if (typeof op === 'string')
    for (const { dialect } of spoken) {
      const { operations } = dialect;
      if (operations !== undefined && Object.hasOwn(operations, op))
        return operations[op] as Operation;
    }
  for (const { dialect } of spoken) if (dialect.otherwise !== undefined) return dialect.otherwise;
  return 'internal';
}
