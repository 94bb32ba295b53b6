/** The table of metrics keeps to the conventions of Prometheus, and to labels that are bounded. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COUNTED_AS, METRICS, type Metric } from '../../src/model/metrics.ts';

const all = Object.entries(METRICS) as readonly (readonly [string, Metric])[];
/** What agents choose, and what grows with them. */
const NEVER = ['agent', 'session', 'case', 'tool', 'tenant', 'principal', 'lease', 'role', 'topic'];
const UNITS = ['_seconds', '_bytes', '_ratio'];

describe('metrics', () => {
  for (const [name, { type, help, labels, seriesMax = 200, buckets }] of all)
    it(name, () => {
      assert.match(name, /^plumbline_[a-z]+(?:_[a-z]+)*$/);
      assert.equal(
        name.endsWith('_total'),
        type === 'counter',
        'counters, and only they, end in _total',
      );
      assert.match(help, /^\S.{10,}\.$/, 'HELP is a sentence');
      for (const label of labels) {
        assert.match(label, /^[a-z]+$/);
        assert.ok(!NEVER.includes(label), `${label} is not bounded`);
      }
      assert.ok(seriesMax >= 1 && seriesMax <= 2000);
      assert.equal(buckets !== undefined, type === 'histogram');
      if (/(?:_ms|_milliseconds|_minutes|_kb|_percent)(?:_|$)/.test(name))
        assert.fail('base units');
      const isTimed = UNITS.some((unit) => name.replace(/_total$/, '').endsWith(unit));
      if (type === 'histogram') assert.ok(isTimed, 'a histogram names its unit');
    });

  it('counters of the core with a metric of their own lead to counters without labels', () => {
    for (const metric of COUNTED_AS.values()) {
      const { type, labels }: Metric = METRICS[metric];
      assert.deepEqual([type, labels], ['counter', []]);
    }
    assert.equal(new Set(COUNTED_AS.values()).size, COUNTED_AS.size);
  });
});
