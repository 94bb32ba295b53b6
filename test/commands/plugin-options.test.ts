/** Plug-in options: refused with key and reason before anything is opened. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Type } from 'typebox';
import { pluginOptions, pluginsOf } from '../../src/commands/plugin-options.ts';
import { Secret } from '../../src/model/config/secret.ts';

const strict = { additionalProperties: false } as const;
const Pager = Type.Object(
  {
    type: Type.Literal('pager'),
    routingKey: Secret,
    spare: Type.Optional(Secret),
    tls: Type.Optional(Type.Object({ key: Secret, port: Type.Optional(Type.Integer()) }, strict)),
  },
  strict,
);
const where = { file: 'F', lineOf: (path: readonly unknown[]) => path.length };
const said = (given: unknown) => {
  const checked = pluginOptions(Pager, given, 'sinks.p', where);
  return checked.ok ? [] : checked.problems.map(({ key, message }) => `${key}: ${message}`);
};

describe('options of a plug-in', () => {
  it('are taken as written, with the paths of their secrets', () => {
    const given = { type: 'pager', routingKey: { env: 'K' }, tls: { key: { file: 'f' } } };
    const checked = pluginOptions(Pager, given, ['sinks', 'p'], where);
    assert.ok(checked.ok);
    assert.deepEqual(checked.options, given);
    assert.deepEqual(
      [...checked.secrets],
      [
        ['routingKey', { env: 'K' }],
        ['tls.key', { file: 'f' }],
      ],
    );
  });

  it('are refused with key, reason and the nearest known key, all mistakes at once', () => {
    assert.deepEqual(said({ type: 'pager', routingkey: { env: 'K' }, tls: { prot: 1 } }), [
      'sinks.p: missing key `routingKey`',
      'sinks.p.routingkey: unknown key; allowed here: type, routingKey, spare, tls; did you mean routingKey?',
      'sinks.p.tls: missing key `key`',
      'sinks.p.tls.prot: unknown key; allowed here: key, port; did you mean port?',
    ]);
    assert.deepEqual(said({ type: 'pager', routingKey: { env: 'K' }, colourful: 1 }), [
      'sinks.p.colourful: unknown key; allowed here: type, routingKey, spare, tls',
    ]);
  });

  it('never hold a secret inline, and refer to each in one way', () => {
    assert.match(said({ type: 'pager', routingKey: 'hunter2' })[0] ?? '', /must be an object/);
    assert.ok(!said({ type: 'pager', routingKey: 'hunter2' }).join().includes('hunter2'));
    for (const routingKey of [{}, { env: 'A', file: 'b' }])
      assert.deepEqual(said({ type: 'pager', routingKey }), [
        'sinks.p.routingKey: give exactly one of `env` and `file`: secrets are never written inline',
      ]);
  });
});

describe('a section of plug-ins', () => {
  it('checks each by the schema of its type, and names the type that was meant', () => {
    const { plugins, problems } = pluginsOf(
      'sink',
      { pager: Pager },
      {
        good: { type: 'pager', routingKey: { env: 'K' } },
        typo: { type: 'pagre' },
        proto: { type: 'constructor' },
        short: { type: 'pager' },
      },
      'sinks',
      where,
    );
    assert.deepEqual([...plugins.keys()], ['good']);
    assert.deepEqual(
      problems.map(({ key, message }) => `${key}: ${message}`),
      [
        'sinks.typo.type: no such type of sink: "pagre"; did you mean pager?',
        'sinks.proto.type: no such type of sink: "constructor"; there are: pager',
        'sinks.short: missing key `routingKey`',
      ],
    );
  });
});
