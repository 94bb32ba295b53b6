/** Fields of a mapping file: schema of what says where a value comes from. */
import { type Static, Type } from 'typebox';
import { EPOCH_UNITS } from './time.ts';

const strict = { additionalProperties: false } as const;

/** Conversions a field may name; anything else would be code, and mappings are data. */
export const CONVERSIONS = [
  'string',
  'number',
  'json',
  'unquote',
  'lower',
  'hex32',
  'hex16',
  'seconds_to_ms',
  'us_to_ms',
  'ns_to_ms',
  'rfc3339',
  'unix_s',
  'unix_ms',
  'unix_us',
  'unix_ns',
  'duration_ms',
  'traceparent_trace',
  'traceparent_span',
  'is_empty',
  'bundle_revisions',
] as const;
/** One of CONVERSIONS. */
export type Conversion = (typeof CONVERSIONS)[number];

/** How times may be written. */
export const TIME_FORMATS = [
  'rfc3339',
  ...(Object.keys(EPOCH_UNITS) as (keyof typeof EPOCH_UNITS)[]),
];

/** A JSON Pointer. */
export const Pointer = Type.String({
  pattern: '^(/([^~/]|~[01])*)*$',
  maxLength: 1024,
  description: 'a JSON Pointer such as /call/tool',
});
/** Several pointers. */
export const Pointers = Type.Array(Pointer, {
  minItems: 1,
  maxItems: 16,
  description: 'JSON Pointers; the first that finds a value other than null wins',
});
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);

const Texts = (description: string) =>
  Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: 256 })], {
      description,
    }),
  );
const Setting = Type.Optional(
  Type.String({
    pattern: '^[a-zA-Z][a-zA-Z0-9-]{0,31}$',
    description: 'Name under which a source may give another value (`settings` of the source).',
  }),
);

const Want = Type.Union([
  Scalar,
  Type.Array(Scalar),
  Type.Object(
    {
      exists: Type.Optional(Type.Boolean()),
      not: Type.Optional(Type.Union([Scalar, Type.Array(Scalar)])),
      prefix: Texts('A text that begins with this, or with one of these.'),
      contains: Texts('A text that holds this, or one of these; or a list that has it.'),
      atLeast: Type.Optional(
        Type.Number({ description: 'A number, or digits, of at least this.' }),
      ),
      below: Type.Optional(Type.Number({ description: 'A number, or digits, below this.' })),
      setting: Setting,
    },
    strict,
  ),
]);
/** Pointer → what is wanted there. All must hold. */
export const Condition = Type.Record(Type.String(), Want, {
  description:
    'Pointer → literal, list of literals, or {exists, not, prefix, contains, atLeast, below}. All must hold.',
});
/** Pointer → what is wanted there. */
export type Condition = Static<typeof Condition>;

const own = {
  from: Type.Optional(Type.Union([Pointer, Pointers])),
  const: Type.Optional(Scalar),
  map: Type.Optional(
    Type.Record(Type.String(), Scalar, {
      description: 'Value by what was found; without `default` an unlisted value is refused.',
    }),
  ),
  default: Type.Optional(Scalar),
  as: Type.Optional(Type.Enum(CONVERSIONS, { description: 'Conversion, applied before `map`.' })),
  prefix: Type.Optional(
    Type.String({ maxLength: 64, description: 'Put in front of the text that was found.' }),
  ),
  when: Type.Optional(Condition),
  setting: Setting,
  alias: Type.Optional(
    Type.Literal('tools', {
      description: 'Accepted, without effect: events keep the tool name as its witness wrote it.',
    }),
  ),
};
const Alternative = Type.Union([Pointer, Pointers, Type.Object(own, strict)]);

/** A value by more than a pointer. */
export const FieldObject = Type.Object(
  {
    ...own,
    first: Type.Optional(
      Type.Array(Alternative, {
        minItems: 1,
        maxItems: 16,
        description:
          'Fields; the first that gives a value wins, and one that cannot be read is passed over.',
      }),
    ),
  },
  strict,
);

/** The ways a field is written, for descriptions. */
export const FORMS =
  'a JSON Pointer, a list of them, or {from, const, map, default, as, first, when}';
/** Where a value comes from: a pointer, several, or an object. */
export const Field = Type.Union([Pointer, Pointers, FieldObject], { description: FORMS });
/** Where a value comes from. */
export type Field = Static<typeof Field>;
