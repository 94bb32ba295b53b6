/** Correlations: what a hit costs each type, in many groups and in one. */
import { createCorrelations } from '../src/detect/sigma/correlation/correlations.ts';
import { readCorrelation } from '../src/detect/sigma/correlation/definition.ts';
import type { Hit } from '../src/detect/sigma/correlation/hit.ts';
import { linkCorrelations } from '../src/detect/sigma/correlation/link.ts';
import { Slots } from '../src/state/slots.ts';
import type { Bench } from './bench.ts';
import { begin, type Spread, spread } from './measure.ts';

interface Load {
  readonly name: string;
  readonly correlation: object;
  readonly groups: number;
  readonly values: number;
}

const HEAD = { 'group-by': ['g'], timespan: '10m' };
const count = (field: object) => ({ ...HEAD, condition: { gte: 3500, ...field } });
const number = { ...HEAD, condition: { gte: 1e12, field: 'v' } };
const two = { rules: ['a', 'b'] };
const three = { rules: ['a', 'b', 'c'] };

const LOADS: readonly Load[] = [
  { name: 'event_count', correlation: { type: 'event_count', ...two, ...count({}) } },
  { name: 'value_count', correlation: { type: 'value_count', ...two, ...count({ field: 'v' }) } },
  { name: 'value_sum', correlation: { type: 'value_sum', ...two, ...number } },
  { name: 'value_median', correlation: { type: 'value_median', ...two, ...number } },
  { name: 'temporal', correlation: { type: 'temporal', ...three, ...HEAD } },
  { name: 'temporal_ordered', correlation: { type: 'temporal_ordered', ...three, ...HEAD } },
  {
    name: 'absence',
    correlation: { type: 'temporal_ordered', ...two, ...HEAD, condition: 'a and not b' },
  },
].flatMap((load) => [
  { ...load, name: `${load.name}, 1,000 groups`, groups: 1000, values: 1800 },
  { ...load, name: `${load.name}, 1 group`, groups: 1, values: 1800 },
]);

const NOWHERE = { file: 'bench', lineOf: () => null };

/** The benchmark. */
export const correlations: Bench = {
  name: 'correlations',
  claim: 'Sigma correlations: µs and hits/s per core for each type, rules already matched',
  run: async ({ smoke, events: wanted, pairs, command, say }) => {
    const end = begin('correlations', command);
    const events = wanted ?? (smoke ? 5000 : 200_000);
    const figures: Record<string, Spread | number> = {};
    for (const load of LOADS) {
      const hits = hitsOf(load, events);
      const rounds = Array.from({ length: smoke ? 2 : pairs + 1 }, () => round(load, hits));
      if (new Set(rounds.map(({ fired }) => fired)).size !== 1)
        throw new Error(`${load.name}: equal rounds fired differently`);
      // The first round warms up.
      const us = rounds.slice(1).map((one) => one.us / events);
      figures[`µs CPU per hit, ${load.name}`] = spread(us);
      figures[`hits/s per core, ${load.name}`] = spread(us.map((one) => 1e6 / one));
      say(`${load.name}: ${us.map((one) => one.toFixed(2)).join(' ')} µs`);
    }
    return end({
      workload: { hits: events, 'different values': 1800 },
      figures,
      rounds: [],
      notes: [
        'CPU is user and system time of one process, garbage collection included',
        'time passes with every hit, 100 hits a second of event time; deadlines are decided in between',
        'the window holds 60,000 hits, more than is kept of one group: bounds are at work throughout',
      ],
    });
  },
};

function hitsOf({ groups, values }: Load, events: number): readonly Hit[] {
  return Array.from({ length: events }, (_, at) => {
    const rule = at % 2 === 0 ? 'a' : 'b';
    const fields: Readonly<Record<string, unknown>> = {
      g: `g${(at * 7) % groups}`,
      v: (at * 31) % values,
    };
    const ms = at * 10;
    const entity = { tenant: '-', agent: `agent-${at % 50}`, role: null, session: null };
    const witness = {
      ...{ kind: 'gateway' as const, topic: 'gateway', nativeId: `n${at}`, ms, seq: null },
      at: { topic: 'gateway', partition: 0, offset: at, index: 0 },
      ...{ agent: entity.agent, call: null, tool: 'tool', digest: null, leaves: null },
    };
    const field = (path: string) => fields[path];
    return { rule, eventId: `e${at}`, ms, late: false, tenant: '-', field, witness, entity };
  });
}

function round({ correlation }: Load, hits: readonly Hit[]): { us: number; fired: number } {
  const { rule } = readCorrelation({ name: 'load', correlation }, NOWHERE);
  if (rule === null) throw new Error('a load that does not load');
  const bases = ['a', 'b', 'c'].map((name) => ({ key: name, name, id: null, kinds: [] }));
  const { rules } = linkCorrelations([{ rule, where: NOWHERE }], bases, '');
  let fired = 0;
  const engine = createCorrelations(rules, {
    slots: new Slots(),
    blind: () => false,
    evicted: () => undefined,
    undecided: () => undefined,
    fire: () => {
      fired += 1;
    },
  });
  const before = process.cpuUsage();
  for (const hit of hits) {
    engine.passTime(hit.ms - 1);
    engine.hit(hit);
  }
  const { user, system } = process.cpuUsage(before);
  return { us: user + system, fired };
}
