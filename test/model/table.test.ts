/** Tables: names that agents choose use up none of the shapes that our code lives by. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { newTable, tableOf } from '../../src/model/table.ts';

const src = (path: string) => new URL(`../../src/${path}`, import.meta.url).href;

/**
 * Plays sound traffic in which every record has names of its own: ids without a session, ids of calls, of
 * agents, and of arguments. Then asks V8 about objects that are new: do they have shapes in common?
 */
const PROGRAM = `
import { laneOptions } from '${src('commands/lane.ts')}';
import { ROOT, readLibrary } from '${src('commands/library.ts')}';
import { KINDS } from '${src('model/event.ts')}';
import { createPipeline } from '${src('pipeline.ts')}';
import { createFleet } from '${src('simulation/fleet.ts')}';
import { encodeEvent } from '${src('source/canonical.ts')}';

const library = await readLibrary(ROOT + 'detectors');
const trust = { reasoning: 'agent', gateway: 'gateway', governance: 'policy', metrics: 'runtime' };
const sources = KINDS.map((kind) => ({
  name: kind, topic: kind, decoder: 'canonical', trust: trust[kind], kinds: [kind],
}));
const { options } = laneOptions({ sources }, library, { file: 'test', digestKey: 'test' });
const pipeline = createPipeline(options);
const fleet = createFleet({
  seed: 'shapes', agents: 2000, sessionsPerHour: 400_000, badShare: 0, startMs: Date.UTC(2026, 0, 1),
});
const named = (call, n) => ({
  ...call,
  ...(call.toolCallId === undefined ? {} : { toolCallId: call.toolCallId + n }),
  ...(call.args === undefined ? {} : { args: { ['p' + n]: n, ...call.args } }),
});
const logs = new Map(KINDS.map((kind) => [kind, []]));
fleet.take(15_000).forEach(({ topic, event, atMs }, n) => {
  const own = { ...event };
  if (event.keys?.toolCallId !== undefined)
    own.keys = { ...event.keys, toolCallId: event.keys.toolCallId + n };
  if (event.action !== undefined) own.action = named(event.action, n);
  if (event.reasoning !== undefined)
    own.reasoning = { ...event.reasoning, intents: event.reasoning.intents.map((one) => named(one, n)) };
  const log = logs.get(topic);
  const value = Buffer.from(encodeEvent(own));
  log.push({ topic, partition: 0, offset: log.length, timestampMs: atMs, key: null, value });
});
const lags = [...logs].map(([topic, { length }]) => ({ topic, partition: 0, low: 0, next: 0, end: length }));
pipeline.assign(lags, 0);
for (let from = 0, left = true; left; from += 250) {
  left = false;
  for (const log of logs.values()) {
    const slice = log.slice(from, from + 250);
    if (slice.length === 0) continue;
    left = true;
    pipeline.slice(slice, from + slice.length, log.length, slice.at(-1).timestampMs);
  }
  pipeline.commit();
  pipeline.committed();
}
pipeline.drain();
pipeline.commit();

const literal = new Function('v', 'return { q1: v, q2: v, q3: v, q4: v }');
const grown = (name) => { const made = {}; made[name] = 1; return made; };
for (let n = 0; n < 4; n += 1) literal(n);
literal(0.5);
const isFast = new Function('a', 'return %HasFastProperties(a)')(literal(1.5));
const isShared = new Function('a', 'b', 'return %HaveSameMap(a, b)')(grown('w'), grown('w'));
process.stdout.write(JSON.stringify({ isFast, isShared, events: pipeline.counters().events }));
`;

describe('tables', () => {
  it('hold any name, and inherit none', () => {
    const table = tableOf(
      JSON.parse('{"constructor":1,"a":2,"__proto__":3}') as Record<string, number>,
    );
    assert.deepEqual(Object.entries(table), [
      ['constructor', 1],
      ['a', 2],
      ['__proto__', 3],
    ]);
    assert.equal(newTable<number>()['toString'], undefined);
    assert.equal(JSON.stringify(table), '{"constructor":1,"a":2,"__proto__":3}');
  });
});

describe('objects that are new when agents have named everything there is', () => {
  it('are as fast as before, and share a shape with others like them', () => {
    const flags = ['--allow-natives-syntax', '--input-type=module', '-e', PROGRAM];
    const text = execFileSync(process.execPath, flags, { encoding: 'utf8' });
    assert.deepEqual(JSON.parse(text), { isFast: true, isShared: true, events: 15_000 });
  });
});
