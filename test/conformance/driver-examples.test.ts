/** Examples of docs/drivers.md: what a person copies is what configuration accepts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { DRIVERS } from '../../src/act/act.ts';
import { controlProblems, driversOf } from '../../src/commands/control.ts';
import type { Config } from '../../src/model/config.ts';
import type { Database } from '../../src/model/ports.ts';
import { createVirtualClock } from '../sim/clock.ts';

const page = readFileSync(new URL('../../docs/drivers.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(
  ([, text = '']) => parse(text) as Pick<Config, 'control'>,
);
/** The same with every secret taken from the environment, where a test has one. */
const withSecrets = (config: object): Config =>
  JSON.parse(JSON.stringify(config).replace(/\{"(?:file|env)":"[^"]*"\}/g, '{"env":"S"}'));

/** Making a driver asks the database nothing. */
const unasked: Database = {
  query: () => assert.fail('asked'),
  transaction: () => assert.fail('asked'),
  script: () => assert.fail('asked'),
  tryLock: () => assert.fail('asked'),
  close: async () => undefined,
};

for (const example of examples)
  for (const [name, { type }] of Object.entries(example.control?.drivers ?? {}))
    test(`the example of ${type} is accepted, and makes a driver`, async () => {
      const config = withSecrets(example);
      const where = { file: 'docs/drivers.md', lineOf: () => null };
      assert.deepEqual(controlProblems(config, where), []);
      const drivers = await driversOf(config, { S: 'secret' }, createVirtualClock(), unasked);
      assert.ok(drivers.get(name)?.capabilities().verbs.length);
    });

test('every driver with a section has an example', () => {
  const sections = [...page.matchAll(/^## ([a-z]+)$/gm)].map(([, type = '']) => type);
  const shown = examples.flatMap(({ control }) =>
    Object.values(control?.drivers ?? {}).map(({ type }) => type),
  );
  assert.ok(sections.length >= 3);
  assert.deepEqual(sections.filter((type) => type in DRIVERS).sort(), [...shown].sort());
});
