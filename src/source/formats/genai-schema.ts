/** What the GenAI conventions prescribe for structured values, as tables, and a check. */

/** How parts outside the defined kinds are written: as they like, or as `generic`. */
export type Generation = 'open' | 'closed';

/** A violation: where, and of which kind of rule. No text of the document. */
export interface Violation {
  /** `$[0].parts[1].name`. Names are those of the schema, never of the document. */
  readonly path: string;
  readonly keyword: 'required' | 'type' | 'anyOf';
}

type Json = Readonly<Record<string, unknown>>;

/** A type of a member; with a question mark null is allowed too. */
type Kind = 'any' | 'string' | 'string?' | 'number?' | 'object' | 'object?' | 'parts' | 'typed';

/** Members that must be there, and those that may be. */
interface Shape {
  readonly required: Readonly<Record<string, Kind>>;
  readonly optional?: Readonly<Record<string, Kind>>;
}

const media = { optional: { mime_type: 'string?' } } as const;

/** Parts of messages by their type. */
const PARTS: Readonly<Record<string, Shape>> = {
  text: { required: { content: 'string' } },
  reasoning: { required: { content: 'string' } },
  tool_call: { required: { name: 'string' }, optional: { id: 'string?', arguments: 'any' } },
  tool_call_response: { required: { response: 'any' }, optional: { id: 'string?' } },
  server_tool_call: {
    required: { name: 'string', server_tool_call: 'typed' },
    optional: { id: 'string?' },
  },
  server_tool_call_response: {
    required: { server_tool_call_response: 'typed' },
    optional: { id: 'string?' },
  },
  blob: { required: { content: 'string', modality: 'string' }, ...media },
  file: { required: { file_id: 'string', modality: 'string' }, ...media },
  uri: { required: { modality: 'string', uri: 'string' }, ...media },
  compaction: { required: {}, optional: { id: 'string?', content: 'string?' } },
  generic: { required: {}, optional: { generic_type: 'string' } },
};

const MESSAGE: Shape = {
  required: { role: 'string', parts: 'parts' },
  optional: { name: 'string?' },
};

/** Values by the name of their schema: what each item is, or the value itself. */
const SCHEMAS = {
  'input-messages': { each: MESSAGE },
  // A finish reason of each message is deprecated: the cases do not ask for it, one of the schemas does.
  'output-messages': {
    each: { ...MESSAGE, optional: { ...MESSAGE.optional, finish_reason: 'string' } },
  },
  'system-instructions': { parts: ['text', 'generic'] },
  'tool-definitions': {
    each: {
      required: { type: 'string', name: 'string' },
      optional: { description: 'any', parameters: 'any' },
    },
  },
  'retrieval-documents': { each: { required: {}, optional: { id: 'string?', score: 'number?' } } },
  'memory-records': {
    each: {
      required: { content: 'any' },
      optional: { id: 'string?', metadata: 'object?', score: 'number?' },
    },
  },
  'tool-call-arguments': { whole: 'object' },
  'tool-call-result': { whole: 'object' },
} as const satisfies Readonly<
  Record<
    string,
    { readonly each: Shape } | { readonly parts: readonly string[] } | { readonly whole: Kind }
  >
>;
/** A structured value of the conventions. */
export type SchemaName = keyof typeof SCHEMAS;

/** Violations that are listed at most. */
const VIOLATIONS_MAX = 100;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What a value violates; empty where it is as prescribed. Both generations are in use: under the open one a
 * part of any type is allowed, and one of a defined type that is not as that type prescribes is such a part.
 */
export function violationsOf(
  name: SchemaName,
  value: unknown,
  generation: Generation,
): readonly Violation[] {
  const found: Violation[] = [];
  const report = (path: string, keyword: Violation['keyword']) => {
    if (found.length < VIOLATIONS_MAX) found.push({ path, keyword });
  };
  const schema = SCHEMAS[name];
  if ('whole' in schema) {
    if (!isA(value, schema.whole)) report('$', 'type');
  } else if (!Array.isArray(value)) report('$', 'type');
  else
    value.forEach((item: unknown, at) => {
      const path = `$[${at}]`;
      if ('parts' in schema) checkPart(item, path, schema.parts, generation, report);
      else checkShape(item, path, schema.each, generation, report);
    });
  return found;
}

type Report = (path: string, keyword: Violation['keyword']) => void;

function checkShape(
  value: unknown,
  path: string,
  shape: Shape,
  generation: Generation,
  report: Report,
): void {
  if (!isObject(value)) {
    report(path, 'type');
    return;
  }
  for (const member of Object.keys(shape.required))
    if (!Object.hasOwn(value, member)) report(path, 'required');
  for (const [member, kind] of Object.entries({ ...shape.required, ...shape.optional })) {
    if (!Object.hasOwn(value, member)) continue;
    const inner = value[member];
    const at = `${path}.${member}`;
    if (kind !== 'parts') {
      if (!isA(inner, kind)) report(at, 'type');
    } else if (!Array.isArray(inner)) report(at, 'type');
    else
      inner.forEach((part: unknown, index) => {
        checkPart(part, `${at}[${index}]`, null, generation, report);
      });
  }
}

function checkPart(
  part: unknown,
  path: string,
  allowed: readonly string[] | null,
  generation: Generation,
  report: Report,
): void {
  if (!isObject(part)) {
    report(path, 'type');
    return;
  }
  const type = Object.hasOwn(part, 'type') ? part['type'] : undefined;
  if (typeof type !== 'string') {
    report(path, type === undefined ? 'required' : 'type');
    return;
  }
  if (generation === 'open') return;
  const isKnown = Object.hasOwn(PARTS, type) && (allowed?.includes(type) ?? true);
  if (isKnown) checkShape(part, path, PARTS[type] as Shape, generation, report);
  else report(path, 'anyOf');
}

function isA(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'any':
      return true;
    case 'string':
      return typeof value === 'string';
    case 'string?':
      return value === null || typeof value === 'string';
    case 'number?':
      return value === null || typeof value === 'number';
    case 'object':
      return isObject(value);
    case 'object?':
      return value === null || isObject(value);
    case 'typed':
      return isObject(value) && Object.hasOwn(value, 'type') && typeof value['type'] === 'string';
    case 'parts':
      return Array.isArray(value);
    default:
      return false;
  }
}
