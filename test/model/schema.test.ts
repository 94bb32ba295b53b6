/** Tests of schema problems: every mistake, once, with its place and what is allowed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Config } from '../../src/model/config.ts';
import { schemaProblems } from '../../src/model/schema.ts';
import { seedOf } from '../source/seed.ts';

const strict = { additionalProperties: false } as const;
const Shape = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 5 }),
    mode: Type.Enum(['on', 'off']),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
    each: Type.Optional(Type.Array(Type.Object({ id: Type.String() }, strict), { maxItems: 2 })),
    by: Type.Optional(Type.Record(Type.String(), Type.Number())),
    either: Type.Optional(
      Type.Union([Type.String({ pattern: '^/' }), Type.Object({ from: Type.String() }, strict)], {
        description: 'a pointer or {from}',
      }),
    ),
  },
  strict,
);

const where = { file: 'f.yaml', lineOf: (path: readonly unknown[]) => path.length + 1 };
const said = (value: unknown) =>
  schemaProblems(Shape, value, where).map(({ key, message }) => `${key}: ${message}`);

test('a value that holds has no problem', () => {
  assert.deepEqual(
    said({ name: 'a', mode: 'on', count: 9, each: [{ id: 'x' }], by: { a: 1.5 }, either: '/x' }),
    [],
  );
  assert.deepEqual(said({ name: 'a', mode: 'on', either: { from: 'x' } }), []);
});

test('all problems are told at once', () => {
  assert.deepEqual(
    said({
      mode: 'of',
      count: 10,
      each: [{ id: 1, x: 2 }, {}, { id: '' }],
      by: { a: 'b' },
      colour: 1,
    }),
    [
      ': missing key `name`',
      'mode: must be one of on, off',
      'count: must be at most 9',
      'each: must not have more than 2 items',
      'each.0.id: must be a string, is a number',
      'each.0.x: unknown key; allowed here: id',
      'each.1: missing key `id`',
      'by.a: must be a number, is a string',
      'colour: unknown key; allowed here: name, mode, count, each, by, either',
    ],
  );
  assert.deepEqual(said(null), [': must be an object, is null']);
  assert.deepEqual(said([]), [': must be an object, is an array']);
});

test('of a choice the branch that was meant is spoken of', () => {
  const either = (value: unknown) => said({ name: 'a', mode: 'on', either: value });
  assert.deepEqual(either({ form: 'x' }), [
    'either: missing key `from` (a pointer or {from})',
    'either.form: unknown key; allowed here: from',
  ]);
  assert.deepEqual(either('x'), ['either: must match ^/ (a pointer or {from})']);
  assert.deepEqual(either(5), ['either: must be one of: string | object (a pointer or {from})']);
});

test('keys that name prototypes are unknown keys like others', () => {
  const value = JSON.parse('{"name":"a","mode":"on","constructor":1,"__proto__":2}') as unknown;
  assert.deepEqual(
    said(value).map((line) => line.split(':')[0]),
    ['constructor', '__proto__'],
  );
});

test('file, line and key are those of the place', () => {
  const [problem] = schemaProblems(Shape, { name: 'a', mode: 'on', count: 0 }, where, ['base']);
  assert.deepEqual(problem, {
    file: 'f.yaml',
    line: 3,
    key: 'base.count',
    message: 'must be at least 1',
  });
});

test('it agrees with the compiled validator', (t) => {
  const validator = Compile(Config);
  const good = {
    jsonl: { path: 'x', follow: false },
    sources: [
      {
        name: 'a',
        topic: 'a',
        decoder: 'canonical',
        trust: 'gateway',
        kinds: ['gateway'],
        lateness: '5s',
      },
    ],
  };
  assert.deepEqual(schemaProblems(Config, good, where), []);
  const paths = fc.constantFrom(
    'jsonl',
    'sources',
    'instance',
    'roles',
    'kafka',
    'guardrails',
    'colour',
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(paths, fc.jsonValue({ maxDepth: 3 })), { maxLength: 3 }),
      (changes) => {
        const value: unknown = { ...good, ...Object.fromEntries(changes) };
        assert.equal(schemaProblems(Config, value, where).length === 0, validator.Check(value));
      },
    ),
    { seed: seedOf(t), numRuns: 500 },
  );
});
