/** Telemetry: what is told comes out as text a strict scraper accepts, bounded and without residue. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTelemetry } from '../../src/adapters/telemetry.ts';
import { METRICS, type Metric, type MetricName } from '../../src/model/metrics.ts';
import { scraped } from '../counterparts/prometheus-text.ts';

const read = async (telemetry: ReturnType<typeof createTelemetry>) =>
  scraped(await telemetry.text());

describe('telemetry', () => {
  it('exposes every metric with its type, its help and its labels', async () => {
    const telemetry = createTelemetry();
    const labelsOf = (name: MetricName) =>
      Object.fromEntries((METRICS[name] as Metric).labels.map((label) => [label, `a ${label}`]));
    const names = Object.keys(METRICS) as MetricName[];
    for (const name of names) {
      const { type } = METRICS[name];
      if (type === 'counter') telemetry.add(name as 'plumbline_events_total', 3, labelsOf(name));
      else if (type === 'gauge') telemetry.set(name as 'plumbline_ready', 3, labelsOf(name));
      else telemetry.observe(name as 'plumbline_commit_duration_seconds', 3, labelsOf(name));
    }
    const families = await read(telemetry);
    assert.deepEqual([...families.keys()].sort(), [...names].sort());
    for (const name of names) {
      const family = families.get(name);
      assert.equal(family?.type, METRICS[name].type);
      assert.equal(family.help, METRICS[name].help);
      const [sample] = family.samples;
      const { le: _le, ...labels } = sample?.labels ?? {};
      assert.deepEqual(labels, labelsOf(name));
      if (family.type !== 'histogram') assert.equal(sample?.value, 3);
    }
    await telemetry.close();
  });

  it('counts from the beginning what has no labels, so that a first step is seen', async () => {
    const families = await read(createTelemetry());
    assert.equal(families.get('plumbline_events_late_total')?.samples[0]?.value, 0);
    assert.equal(families.get('plumbline_dead_letters_total'), undefined);
  });

  it('keeps a line a line, whatever a name in a configuration holds', async () => {
    const telemetry = createTelemetry();
    const nasty = [
      'a"b',
      'a\\',
      'a\nplumbline_watchdog 0',
      '}',
      '\ud800',
      'ä\u202e',
      '\u0000\u001b[31m',
    ];
    for (const source of nasty) telemetry.add('plumbline_records_total', 1, { source });
    telemetry.add('plumbline_records_total', 1, { source: 'x'.repeat(10_000) });
    const families = await read(telemetry);
    const samples = families.get('plumbline_records_total')?.samples ?? [];
    assert.equal(samples.length, nasty.length + 1);
    assert.ok(samples.every(({ value }) => value === 1));
    assert.ok(samples.some(({ labels }) => labels['source'] === 'a"b'));
    for (const { labels } of samples) assert.ok((labels['source'] ?? '').length <= 128);
    assert.equal(families.get('plumbline_watchdog'), undefined);
  });

  it('gives a metric no more series than it may have, and counts what found no room', async () => {
    const telemetry = createTelemetry();
    for (let n = 0; n < 1_000; n += 1)
      telemetry.add('plumbline_records_total', 2, { source: `s${n}` });
    for (let n = 0; n < 1_000; n += 1)
      telemetry.observe('plumbline_commit_duration_seconds', n, {});
    const families = await read(telemetry);
    assert.equal(families.get('plumbline_records_total')?.samples.length, 200);
    const dropped = families.get('plumbline_series_dropped_total')?.samples;
    assert.deepEqual(dropped, [
      {
        name: 'plumbline_series_dropped_total',
        labels: { metric: 'plumbline_records_total' },
        value: 800,
      },
    ]);
  });

  it('goes on from totals that are counted elsewhere, and over their beginning anew', async () => {
    const telemetry = createTelemetry();
    for (const total of [5, 5, 9, 2, 3])
      telemetry.total('plumbline_gc_seconds_total', total, { kind: 'minor' });
    const families = await read(telemetry);
    assert.equal(families.get('plumbline_gc_seconds_total')?.samples[0]?.value, 12);
  });

  it('forgets a series that is gone', async () => {
    const telemetry = createTelemetry();
    const blind = (...sources: readonly string[]) =>
      telemetry.replace(
        'plumbline_source_blind',
        sources.map((source) => ({ value: 1, labels: { source } })),
      );
    blind('a', 'b');
    assert.equal((await read(telemetry)).get('plumbline_source_blind')?.samples.length, 2);
    blind('b');
    assert.deepEqual(
      (await read(telemetry)).get('plumbline_source_blind')?.samples.map(({ labels }) => labels),
      [{ source: 'b' }],
    );
    blind();
    assert.equal((await read(telemetry)).get('plumbline_source_blind'), undefined);
  });

  it('takes no number that is none, and nothing that makes a counter fall', async () => {
    const telemetry = createTelemetry();
    for (const by of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      telemetry.add('plumbline_events_total', by);
    telemetry.observe('plumbline_commit_duration_seconds', Number.NaN);
    const families = await read(telemetry);
    assert.equal(families.get('plumbline_events_total')?.samples[0]?.value, 0);
  });

  it('takes a label that is not declared for a fault of the program', () => {
    assert.throws(
      () => createTelemetry().add('plumbline_records_total', 1, { agent: 'a' }),
      /no such label: agent/,
    );
  });
});
