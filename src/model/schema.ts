/** Schema problems in words: every mistake in a file, with key, line and what is allowed. */
import type { Problem } from './errors.ts';

/** Where in a file a problem may lie. */
export interface Located {
  readonly file: string;
  /** 1-based line of the value at a path, or of its nearest ancestor; null where unknown. */
  lineOf(path: readonly (string | number)[]): number | null;
}

/** The subset of JSON Schema that our own schemas use. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

type Path = readonly (string | number)[];
type Report = (path: Path, message: string) => void;

/**
 * Every place where `value` breaks `schema`, in the order of the file's keys. Empty means it holds.
 * `base` is put before each path. Regular expressions are those of our schemas, never of the file.
 */
export function schemaProblems(
  schema: object,
  value: unknown,
  where: Located,
  base: Path = [],
): Problem[] {
  const problems: Problem[] = [];
  check(schema as Schema, value, base, (path, message) => {
    problems.push(problemAt(where, path, message));
  });
  return problems;
}

/** A problem at a path. */
export function problemAt(where: Located, path: Path, message: string): Problem {
  return { file: where.file, line: where.lineOf(path), key: path.join('.'), message };
}

function check(schema: Schema, value: unknown, path: Path, report: Report): void {
  if (schema.anyOf !== undefined) {
    checkAny(schema, value, path, report);
    return;
  }
  if (schema.enum !== undefined) {
    if (!schema.enum.includes(value)) report(path, `must be one of ${list(schema.enum)}`);
    return;
  }
  if (schema.const !== undefined) {
    if (value !== schema.const) report(path, `must be ${JSON.stringify(schema.const)}`);
    return;
  }
  if (schema.type === undefined) return;
  if (!hasType(schema.type, value)) {
    report(path, `must be ${article(schema.type)}, is ${article(typeName(value))}${hint(schema)}`);
    return;
  }
  if (typeof value === 'string') checkString(schema, value, path, report);
  if (typeof value === 'number') checkNumber(schema, value, path, report);
  if (Array.isArray(value)) checkArray(schema, value, path, report);
  else if (typeof value === 'object' && value !== null) {
    checkObject(schema, value as Readonly<Record<string, unknown>>, path, report);
  }
}

/** The branch that means the value's type speaks; where none does, the whole choice is named. */
function checkAny(schema: Schema, value: unknown, path: Path, report: Report): void {
  const branches = flatten(schema);
  let best: [Path, string][] | null = null;
  for (const branch of branches) {
    const found: [Path, string][] = [];
    check(branch, value, path, (at, message) => found.push([at, message]));
    if (found.length === 0) return;
    const isMeant = branch.type !== undefined && hasType(branch.type, value);
    if (isMeant && (best === null || found.length < best.length)) best = found;
  }
  if (best !== null) {
    for (const [at, message] of best) {
      report(at, at.length > path.length ? message : `${message}${hint(schema)}`);
    }
  } else {
    const names = branches.map((one) => (one.enum === undefined ? one.type : list(one.enum)));
    report(path, `must be one of: ${[...new Set(names)].join(' | ')}${hint(schema)}`);
  }
}

/** Branches of a choice, those of choices within it included. */
function flatten(schema: Schema): readonly Schema[] {
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(flatten);
}

function checkString(schema: Schema, value: string, path: Path, report: Report): void {
  if (value.length < (schema.minLength ?? 0)) report(path, 'must not be empty');
  if (value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) {
    report(path, `must not be longer than ${schema.maxLength} characters`);
  }
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    report(path, `must match ${schema.pattern}${hint(schema)}`);
  }
}

function checkNumber(schema: Schema, value: number, path: Path, report: Report): void {
  if (value < (schema.minimum ?? Number.NEGATIVE_INFINITY)) {
    report(path, `must be at least ${schema.minimum}`);
  }
  if (value > (schema.maximum ?? Number.POSITIVE_INFINITY)) {
    report(path, `must be at most ${schema.maximum}`);
  }
  if (value <= (schema.exclusiveMinimum ?? Number.NEGATIVE_INFINITY))
    report(path, `must be more than ${schema.exclusiveMinimum}`);
  if (value >= (schema.exclusiveMaximum ?? Number.POSITIVE_INFINITY))
    report(path, `must be less than ${schema.exclusiveMaximum}`);
}

function checkArray(schema: Schema, value: readonly unknown[], path: Path, report: Report): void {
  if (value.length < (schema.minItems ?? 0)) report(path, `needs ${schema.minItems} or more items`);
  if (value.length > (schema.maxItems ?? Number.POSITIVE_INFINITY)) {
    report(path, `must not have more than ${schema.maxItems} items`);
  }
  const items = schema.items;
  if (items !== undefined) {
    value.forEach((item, at) => {
      check(items, item, [...path, at], report);
    });
  }
}

function checkObject(
  schema: Schema,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  report: Report,
): void {
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) report(path, `missing key \`${name}\``);
  }
  const known = schema.properties ?? {};
  const patterns = Object.entries(schema.patternProperties ?? {});
  for (const [name, member] of Object.entries(value)) {
    const at = [...path, name];
    const child = Object.hasOwn(known, name) ? known[name] : undefined;
    const matching = patterns.find(([pattern]) => new RegExp(pattern, 'u').test(name))?.[1];
    if (child !== undefined) check(child, member, at, report);
    else if (matching !== undefined) check(matching, member, at, report);
    else if (schema.additionalProperties === false) {
      report(at, `unknown key; allowed here: ${Object.keys(known).join(', ')}`);
    }
  }
}

function hasType(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'number') return Number.isFinite(value);
  return type === typeName(value);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function article(type: string): string {
  if (type === 'null') return 'null';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function list(values: readonly unknown[]): string {
  return values.map(String).join(', ');
}

function hint(schema: Schema): string {
  return schema.description === undefined ? '' : ` (${schema.description})`;
}
