/** Definitions: data with defaults; every mistake is named at its key and line. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCorrelation } from '../../../../src/detect/sigma/correlation/definition.ts';

const NOWHERE = { file: 'x.yaml', lineOf: () => 7 };

const GOOD = {
  title: 'Many denials',
  name: 'many_denials',
  correlation: {
    type: 'event_count',
    rules: ['call_denied'],
    'group-by': ['agent.id'],
    timespan: '10m',
    condition: { gte: 5 },
  },
};

describe('definition', () => {
  it('is data with defaults', () => {
    const { rule, problems } = readCorrelation(GOOD, NOWHERE);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      { ...rule, kinds: undefined },
      {
        key: 'many_denials',
        name: 'many_denials',
        id: null,
        title: 'Many denials',
        type: 'event_count',
        rules: ['call_denied'],
        bases: ['call_denied'],
        kinds: undefined,
        groupBy: ['agent.id'],
        timespanMs: 600_000,
        aliases: {},
        range: { gte: 5 },
        conjuncts: null,
        fields: [],
        percentile: null,
        generate: false,
        window: 'sliding',
        gapMs: null,
        missingGroup: 'skip',
        limits: { groups: 100_000, groupEvents: 4096, distinct: 10_000 },
        toleranceMs: 2000,
      },
    );
  });

  it('reads what stands under plumbline, and leaves the rest of that to the header', () => {
    const plumbline = { window: 'session', gap: '90s', limits: { groups: 7 }, maturity: 'alert' };
    const { rule, problems } = readCorrelation({ ...GOOD, plumbline }, NOWHERE);
    assert.deepEqual(problems, []);
    assert.deepEqual([rule?.window, rule?.gapMs, rule?.limits.groups], ['session', 90_000, 7]);
  });

  it('names every mistake at once, with file, line and key', () => {
    const correlation = { ...GOOD.correlation, timespan: '1M', conditon: {}, type: 'count' };
    const { rule, problems } = readCorrelation({ ...GOOD, correlation }, NOWHERE);
    assert.equal(rule, null);
    assert.deepEqual(problems.map(({ file, line, key }) => `${file}:${line}:${key}`).sort(), [
      'x.yaml:7:correlation.conditon',
      'x.yaml:7:correlation.timespan',
      'x.yaml:7:correlation.type',
    ]);
    assert.match(problems.find(({ key }) => key.endsWith('timespan'))?.message ?? '', /months/);
  });

  it('withstands documents that are none', () => {
    for (const document of [null, 1, 'text', [], {}, { correlation: null }, { correlation: [] }]) {
      const { rule, problems } = readCorrelation(document, NOWHERE);
      assert.equal(rule, null);
      assert.ok(problems.length > 0);
    }
  });

  it('takes `generate` where the text of Sigma has it, and where its schema has it', () => {
    const inner = { ...GOOD, correlation: { ...GOOD.correlation, generate: true } };
    assert.equal(readCorrelation(inner, NOWHERE).rule?.generate, true);
    assert.equal(readCorrelation({ ...GOOD, generate: true }, NOWHERE).rule?.generate, true);
  });
});
