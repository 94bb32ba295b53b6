/** Objectives of a file: read, and every mistake named with its line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml, readYamlDocuments } from '../../src/adapters/files.ts';
import { readObjectives } from '../../src/baseline/objectives-file.ts';
import { METERS } from '../../src/model/objective.ts';

function read(text: string) {
  const yaml = parseYaml('objectives.yaml', text);
  assert.deepEqual(yaml.problems, []);
  return readObjectives([yaml.file]);
}

test('an objective is read with its defaults', () => {
  const { levels, problems } = read(
    [
      'objectives:',
      '  - name: quick-answers',
      '    title: Answers come quickly',
      '    scope: { role: desk }',
      '    indicator: { of: latency, atMost: 3s }',
      '    target: .95',
    ].join('\n'),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(levels, {
    objectives: [
      {
        ...{ name: 'quick-answers', title: 'Answers come quickly', scope: { role: 'desk' } },
        indicator: { of: 'latency', atMostMs: 3000 },
        ...{ target: 0.95, windowMs: 28 * 86_400_000, leastBad: 5 },
      },
    ],
    meters: METERS,
  });
});

test('every mistake is named with its line, and what is sound still counts', () => {
  const line = (name: string, rest: string) => `  - { name: ${name}, title: A title, ${rest} }`;
  const { levels, problems } = read(
    [
      'meters: { cost: [price] }',
      'objectives:',
      line('good', 'indicator: { of: calls }, target: .9, window: 7d'),
      line('good', 'indicator: { of: turns }, target: .9'),
      line('no-bound', 'indicator: { of: cost }, target: .9'),
      line('no-time', 'indicator: { of: latency, atMost: 3 }, target: .9'),
      line('needless', 'indicator: { of: calls, atMost: 3 }, target: .9'),
      line('half-days', 'indicator: { of: calls }, target: .9, window: 36h'),
    ].join('\n'),
  );
  assert.deepEqual(
    problems.map((problem) => `${problem.line} ${problem.key}`),
    [
      '4 objectives.1.name',
      '5 objectives.2.indicator.atMost',
      '6 objectives.3.indicator.atMost',
      '7 objectives.4.indicator.atMost',
      '8 objectives.5.window',
    ],
  );
  assert.deepEqual(
    levels.objectives.map(({ name, windowMs }) => [name, windowMs]),
    [['good', 7 * 86_400_000]],
  );
  assert.deepEqual(levels.meters, { ...METERS, cost: ['price'] });
});

test('a target of one or a misspelt key is a mistake', () => {
  const { levels, problems } = read(
    'objectives:\n  - { name: a, title: All of it, indicator: { of: calls }, target: 1 }\n  - { name: b, tittle: x, indicator: { of: calls }, target: .5 }\n',
  );
  assert.deepEqual(levels.objectives, []);
  assert.ok(problems.some(({ line, key }) => line === 2 && key.endsWith('target')));
  assert.ok(problems.some(({ line, key }) => line === 3 && key.endsWith('tittle')));
});

test('the shipped file holds', async () => {
  const url = new URL('../../baselines/objectives.yaml', import.meta.url);
  const { file, problems } = await readYamlDocuments(url.pathname);
  const { levels, problems: unsound } = readObjectives([file]);
  assert.deepEqual([...problems, ...unsound], []);
  assert.ok(levels.objectives.length >= 3);
});
