/** Tests of the mappings we ship: examples of each stream, and recordings where they are at hand. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { readYamlDocuments } from '../src/adapters/files.ts';
import type { SourceConfig } from '../src/model/config/source.ts';
import { compileMappings } from '../src/source/mapping.ts';
import { createDecode } from '../src/source/source.ts';
import { asSaid, decodeFixture, fixtures, shippedMappings } from './source/mapping-fixtures.ts';
import { recordOf } from './source/records.ts';

const RECORDED = 'recorded-runs/1';
const stream = (
  topic: SourceConfig['kinds'][number],
  trust: SourceConfig['trust'],
): SourceConfig => ({
  name: topic,
  topic,
  decoder: RECORDED,
  trust,
  kinds: [topic],
});
const SOURCES = [
  stream('governance', 'platform'),
  stream('reasoning', 'agent'),
  stream('gateway', 'gateway'),
  stream('metrics', 'runtime'),
];

async function decoder() {
  const path = fileURLToPath(new URL('../mappings/recorded-runs.yaml', import.meta.url));
  const { file, problems } = await readYamlDocuments(path);
  const compiled = compileMappings([file]);
  const { decode, problems: wiring } = createDecode(SOURCES, compiled.mappings);
  assert.deepEqual([...problems, ...compiled.problems, ...wiring], []);
  return decode;
}

const head = { ts: '2026-04-02T10:00:00.250Z', agent_id: 'desk-1', session_id: 'run-9' };

/** Records of our own making, four a stream. */
const EXAMPLES: Readonly<Record<string, readonly object[]>> = {
  governance: [
    {
      ts: head.ts,
      type: 'agent.registered',
      agent_id: 'desk-1',
      role: 'desk',
      model: 'm-1',
      controls: ['dlp'],
    },
    {
      ts: head.ts,
      type: 'tools.granted',
      agent_id: 'desk-1',
      tools: [
        { tool: 'page.open', class: 'read' },
        { tool: 'form.post', class: 'write' },
      ],
    },
    {
      ...head,
      type: 'session.opened',
      role: 'desk',
      mandate: 'Book the blue room.',
      principal: 'user:kim',
    },
    { ...head, type: 'plan.declared', tools: ['page.open', '"form.post"', ''] },
  ],
  reasoning: [
    { ...head, seq: 0, text: null, tool_calls: [{ call_id: 'c1', tool: 'page.open' }] },
    {
      ...head,
      seq: 2,
      text: 'Now the form.',
      tool_calls: [{ call_id: 'c2', tool: 'form.post', args: { room: 'blue' } }],
    },
    { ...head, seq: 2.5, text: null, tool_calls: [] },
    { ...head, seq: 4, text: 'Done.', tool_calls: [] },
  ],
  gateway: [
    {
      ...head,
      seq: 1,
      call_id: 'c1',
      tool: 'page.open',
      args: { url: 'https://rooms.example' },
      decision: 'allow',
      outcome: 'ok',
      result: '<p>',
      result_bytes: 3,
      result_ts: '2026-04-02T10:00:01Z',
    },
    {
      ...head,
      seq: 3,
      call_id: 'c2',
      tool: 'form.post',
      args: { room: 'blue' },
      decision: 'deny',
      outcome: 'error',
      error: 'not on this floor',
    },
    {
      ...head,
      seq: 3.5,
      call_id: 'c3',
      tool: 'form.post',
      args: {},
      decision: 'allow',
      outcome: 'unknown',
    },
    {
      ...head,
      seq: 5,
      call_id: 'c4',
      tool: 'page.close',
      args: {},
      decision: 'allow',
      outcome: 'ok',
    },
  ],
  metrics: [
    {
      ...head,
      duration_ms: 900,
      llm_steps: 3,
      tool_calls: 2,
      tool_errors: 1,
      denied: 1,
      tokens_total: 812,
      tokens_est: 700,
      bytes_in: 3,
      bytes_out: 20,
    },
    {
      ...head,
      duration_ms: 5,
      llm_steps: 1,
      tool_calls: 0,
      tool_errors: 0,
      denied: 0,
      tokens_total: null,
      tokens_est: 44,
      bytes_in: 0,
      bytes_out: 0,
    },
    { ...head, llm_steps: 1 },
    { ...head, llm_steps: 2, tokens_est: 1 },
  ],
};

async function decoded(topic: string) {
  const decode = await decoder();
  return (EXAMPLES[topic] ?? []).map((record) => {
    const { events, deadLetters } = decode(recordOf(record, { topic }));
    assert.deepEqual(deadLetters, []);
    return events;
  });
}

test('recorded runs: governance', async () => {
  const events = (await decoded('governance')).flat();
  assert.deepEqual(
    events.map(({ category, session, governance }) => [category, session?.id, governance]),
    [
      [
        'agent',
        undefined,
        { change: 'agent.registered', detail: { role: 'desk', model: 'm-1', controls: ['dlp'] } },
      ],
      [
        'grant',
        undefined,
        {
          change: 'tools.granted',
          detail: {
            tools: [
              { tool: 'page.open', class: 'read' },
              { tool: 'form.post', class: 'write' },
            ],
          },
        },
      ],
      [
        'session',
        'run-9',
        {
          change: 'session.opened',
          detail: { role: 'desk', mandate: 'Book the blue room.', principal: 'user:kim' },
        },
      ],
      [
        'plan',
        'run-9',
        {
          change: 'plan.declared',
          detail: { tools: [{ tool: 'page.open' }, { tool: 'form.post' }] },
        },
      ],
    ],
  );
  assert.deepEqual(events[2]?.principal, { sub: 'user:kim' });
  assert.deepEqual(events[2]?.agent, { id: 'desk-1', role: 'desk', basis: 'platform' });
  assert.equal(events[0]?.time.eventMs, Date.parse(head.ts));
});

test('recorded runs: reasoning', async () => {
  const events = (await decoded('reasoning')).flat();
  assert.deepEqual(
    events.map((event) => event.nativeId),
    ['session/run-9/0', 'session/run-9/2', 'session/run-9/2.5', 'session/run-9/4'],
  );
  assert.deepEqual(events[1]?.reasoning, {
    op: 'chat',
    text: 'Now the form.',
    intents: [{ toolCallId: 'c2', tool: 'form.post', args: { room: 'blue' } }],
    claims: [],
  });
  assert.deepEqual(
    events.map((event) => event.evidence?.level),
    ['L0', 'L3', 'L0', 'L3'],
  );
});

test('recorded runs: gateway', async () => {
  const events = (await decoded('gateway')).flat();
  assert.deepEqual(
    events.map(({ action, keys }) => [
      keys?.toolCallId,
      action?.phase,
      action?.decision,
      action?.outcome,
    ]),
    [
      ['c1', 'result', 'allow', 'ok'],
      ['c2', 'result', 'deny', 'error'],
      ['c3', 'decision', 'allow', 'unknown'],
      ['c4', 'result', 'allow', 'ok'],
    ],
  );
  assert.equal(events[1]?.action?.reason, 'not on this floor');
  assert.deepEqual([events[0]?.action?.result, events[0]?.action?.bytesOut], ['<p>', 3]);
  assert.deepEqual(events[2]?.order, { seq: 3.5, of: 'session' });
  assert.deepEqual(
    events.map((event) => event.evidence?.level),
    ['L3', 'L2', 'L2', 'L2'],
  );
});

test('recorded runs: one metrics record gives one event for each figure', async () => {
  const records = await decoded('metrics');
  const values = records.map((events) =>
    Object.fromEntries(events.map(({ metric }) => [metric?.name, metric?.value])),
  );
  assert.deepEqual(values[0], {
    tokens: 812,
    tool_calls: 2,
    tool_errors: 1,
    denied: 1,
    llm_steps: 3,
    duration_ms: 900,
    bytes_in: 3,
    bytes_out: 20,
  });
  assert.equal(values[1]?.['tokens'], 44);
  assert.deepEqual(values[2], { llm_steps: 1 });
  const ids = records[0]?.map((event) => event.nativeId) ?? [];
  assert.equal(new Set(ids).size, 8);
  assert.match(ids[0] ?? '', /^part\/6:tokens\/content\//);
});

test('recorded runs: a topic yields its own kind only', async () => {
  const decode = await decoder();
  for (const [topic, records] of Object.entries(EXAMPLES)) {
    const other = topic === 'reasoning' ? 'metrics' : 'reasoning';
    for (const record of records) {
      const { events, deadLetters } = decode(recordOf(record, { topic: other }));
      assert.equal(events.length, 0);
      assert.ok(deadLetters.every((letter) => letter.reason === 'kind-not-allowed'));
    }
  }
});

// Recordings are reference data that lies beside the project where it is developed.
const recordings = new URL('../../shared/corpus/known/score/', import.meta.url);
if (existsSync(recordings)) {
  test('recorded runs: every recording at hand decodes', async () => {
    const decode = await decoder();
    const figures = {
      governance: [2254, 2254],
      reasoning: [7493, 7493],
      gateway: [6909, 6909],
      metrics: [1020, 8160],
    };
    for (const [topic, [records, events]] of Object.entries(figures)) {
      const bytes = gunzipSync(readFileSync(new URL(`${topic}.jsonl.gz`, recordings)));
      const lines = bytes
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== '');
      const ids = new Set<string>();
      for (const line of lines) {
        const { events: found, deadLetters } = decode(recordOf(line, { topic }));
        assert.deepEqual(
          deadLetters.map((letter) => letter.detail),
          [],
        );
        for (const event of found) ids.add(event.nativeId);
      }
      assert.deepEqual([lines.length, ids.size], [records, events], topic);
    }
  });
}

test('every mapping we ship compiles, and has fixtures beside it or a test of its own', async () => {
  const { mappings, problems } = await shippedMappings();
  assert.deepEqual(problems, []);
  const beside = await fixtures();
  for (const name of mappings.keys())
    assert.ok(name === RECORDED || beside.has(name), `${name} has no file of fixtures`);
});

test('records as producers write them become the events beside them', async (t) => {
  const { mappings } = await shippedMappings();
  for (const [format, cases] of await fixtures())
    for (const fixture of cases)
      await t.test(`${format}: ${fixture.name}`, () => {
        assert.deepEqual(asSaid(decodeFixture(format, fixture, mappings)), fixture.expect);
      });
});
