/** Correlation suite: every case plain, out of order, repeated, and with crashes in between. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { between, chance, type Random, stream } from '../src/simulation/random.ts';
import {
  eventsOf,
  linkCase,
  readCases,
  readSuiteRules,
  runCase,
  type Said,
  type SuiteCase,
} from './correlation-suite.ts';
import { inOrder, type LaneEvent } from './detect/sigma/correlation/lane.ts';

const FOLDER = join(import.meta.dirname, 'correlation-suite');
const rules = await readSuiteRules();
const names = (await readdir(FOLDER)).filter(
  (name) => /\.yaml$/.test(name) && name !== 'rules.yaml',
);
const files = await Promise.all(names.sort().map(readCases));

/** Orders of arrival tried for each case. */
const ORDERS = 3;

/** Text by which alerts are compared whatever order groups were decided in. */
function sorted({ alerts }: Pick<Said, 'alerts'>): string[] {
  return alerts
    .map(({ rule, evidence, at, late, order, retracted }) =>
      JSON.stringify({ rule, evidence, at, late, order, retracted }),
    )
    .sort();
}

/** The same events as they may arrive within the lateness, some of them twice. */
function disordered(random: Random, one: SuiteCase, events: readonly LaneEvent[]): LaneEvent[] {
  const most = (one.lateness ?? 0) - 0.002;
  const repeated = events.filter(() => chance(random, 0.5));
  return [...events, ...repeated]
    .map((event) => ({ event, at: event.at + between(random, 0, most) }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
}

/** Does the case itself say how events arrive? Then their order is not changed. */
function saysArrival(events: readonly LaneEvent[]): boolean {
  return events.some((event, at) => at > 0 && inOrder(events[at - 1] as LaneEvent, event) > 0);
}

describe('correlation suite', () => {
  it('has at least 150 cases, each under a name of its own', () => {
    const all = files.flat().map(({ file, name }) => `${file} ${name}`);
    assert.ok(all.length >= 150, `${all.length} cases`);
    assert.equal(new Set(all).size, all.length);
  });

  for (const cases of files)
    describe(cases[0]?.file ?? '', () => {
      for (const one of cases)
        it(one.name, () => (one.refused === undefined ? plays(one) : refuses(one)));
    });
});

function refuses(one: SuiteCase): void {
  const keys = linkCase(one, rules).problems.map(({ key }) => key);
  assert.ok(
    keys.includes(one.refused ?? ''),
    `${one.why} Problems at: ${keys.join(', ') || 'none'}`,
  );
}

function plays(one: SuiteCase): void {
  const linked = linkCase(one, rules);
  assert.deepEqual(linked.problems, []);
  const events = eventsOf(one, rules);
  const plain = runCase(one, linked.rules, events);
  assert.deepEqual(sorted(plain), sorted({ alerts: one.expect ?? [] }), one.why);
  if (one.undecided !== undefined) assert.equal(plain.undecided, one.undecided, 'undecided');
  if (one.evicted !== undefined) assert.equal(plain.evicted, one.evicted, 'evicted');
  for (let order = 0; order < ORDERS; order += 1) {
    const random = stream(order, `${one.file} ${one.name}`);
    const arriving = saysArrival(events) ? events : disordered(random, one, events);
    const crash = () => order > 0 && chance(random, 0.5);
    const other = runCase(one, linked.rules, arriving, crash);
    assert.deepEqual(other, plain, `in order ${order}`);
  }
}
