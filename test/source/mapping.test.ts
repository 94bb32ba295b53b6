/** Tests of mapping files: what they decode, and how every mistake in them is named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseYaml } from '../../src/adapters/files.ts';
import type { Format, Outcome } from '../../src/source/draft.ts';
import { noFacts } from '../../src/source/json.ts';
import { compileMappings } from '../../src/source/mapping.ts';
import { seedOf } from './seed.ts';

function compile(...texts: string[]) {
  const files = texts.map((text, at) => {
    const { file, problems } = parseYaml(`m${at + 1}.yaml`, text);
    assert.deepEqual(problems, []);
    return file;
  });
  return compileMappings(files);
}

function formatOf(text: string): Format {
  const { mappings, problems } = compile(text);
  assert.deepEqual(problems, []);
  const [format] = mappings.values();
  assert.ok(format !== undefined && 'decode' in format);
  return format;
}

function draftOf(outcome: Outcome | undefined) {
  assert.ok(outcome?.type === 'draft', JSON.stringify(outcome));
  return outcome.draft;
}

const ACME = `
format: acme-gateway/1
unwrap: /message
each: /entries
when: { /type: [tool_call, tool_denied] }
kind: gateway
category: tool_call
id: [/id]
time: { from: /ts, as: unix_ms }
agent: [{ basis: jwt, from: /identity/sub, issuer: /identity/iss }, { basis: self, from: /agent }]
role: /identity/role
session: { basis: conversation, from: /conversation_id }
keys: { traceId: { from: /trace, as: hex32 }, toolCallId: /call/id, requestId: /request_id }
action:
  phase: decision
  tool: { from: [/call/tool, /call/name], alias: tools }
  args: { from: /call/args, as: json }
  decision: { from: /verdict, map: { PERMIT: allow, DENY: deny, HOLD: escalate }, default: unknown }
  policy: { id: /policy/name, revision: /policy/rev }
  durationMs: { from: /took, as: seconds_to_ms }
otherwise: deadletter
`;

const entry = {
  type: 'tool_call',
  id: 991,
  ts: 1_799_999_990_500,
  identity: { sub: 'spiffe://fleet/clerk', role: 'clerk' },
  agent: 'clerk (says itself)',
  conversation_id: 'conv-5',
  trace: '0AF7651916CD43DD8448EB211C80319C',
  call: { id: 'k1', name: 'ledger.read', args: '{"account":"7","limit":5}' },
  verdict: 'PERMIT',
  policy: { name: 'ledger', rev: 'r9' },
  took: 0.25,
};

test('the example of the handbook decodes as it says', () => {
  const format = formatOf(ACME);
  assert.deepEqual([format.name, format.kinds], ['acme-gateway/1', ['gateway']]);
  const wrapped = { message: JSON.stringify({ entries: [entry, { ...entry, identity: null }] }) };
  const [first, second] = format.decode(wrapped, noFacts());
  assert.deepEqual(draftOf(first), {
    id: '991',
    part: null,
    time: { ms: 1_799_999_990_500, nsInMs: 0 },
    parts: {
      kind: 'gateway',
      category: 'tool_call',
      agent: {
        id: 'spiffe://fleet/clerk',
        role: 'clerk',
        basis: 'jwt',
        claims: [
          { basis: 'jwt', value: 'spiffe://fleet/clerk' },
          { basis: 'self', value: 'clerk (says itself)' },
        ],
      },
      session: { id: 'conv-5' },
      keys: { traceId: '0af7651916cd43dd8448eb211c80319c', toolCallId: 'k1' },
      action: {
        phase: 'decision',
        tool: 'ledger.read',
        args: { account: '7', limit: 5 },
        decision: 'allow',
        policy: { id: 'ledger', revision: 'r9' },
        durationMs: 250,
        outcome: 'unknown',
      },
    },
  });
  assert.deepEqual(draftOf(second).parts.agent, { id: 'clerk (says itself)', basis: 'self' });
});

test('every item has its own outcome', () => {
  const format = formatOf(ACME);
  const entries = [
    entry,
    { ...entry, type: 'heartbeat' },
    { ...entry, ts: 'yesterday' },
    { ...entry, ts: null },
    { ...entry, call: { args: '{}' } },
    { ...entry, call: { name: 'x', args: 'not json' } },
    { ...entry, call: { name: 'x', args: '[1]' } },
    { ...entry, verdict: 'WHO KNOWS' },
    { ...entry, trace: 'zz' },
    { ...entry, id: ['x'] },
  ];
  const outcomes = format.decode({ message: { entries } }, noFacts());
  const said = outcomes.map((outcome) =>
    outcome.type === 'rejected'
      ? `${outcome.rejection.reason} ${outcome.rejection.detail}`
      : outcome.type,
  );
  assert.deepEqual(said, [
    'draft',
    'mapping-no-match no document of acme-gateway/1 matches',
    'time-invalid /ts: not a time as unix_ms, 1970 to 9999',
    'field-missing /ts: missing; the event time is read from it',
    'field-missing /action: missing tool',
    'json-syntax /call/args: not a JSON text (8 bytes)',
    'field-type /action/args: must be object',
    'draft',
    'field-type /trace: cannot be read as hex32',
    'field-type /id: must be a string of 1 to 512 characters, or a number',
  ]);
});

test('a record in which no view finds anything is refused with what went wrong', () => {
  const format = formatOf(ACME);
  const reasons = (value: unknown) =>
    format
      .decode(value, noFacts())
      .map((outcome) => (outcome.type === 'rejected' ? outcome.rejection.reason : outcome.type));
  assert.deepEqual(reasons({ message: '{broken' }), ['json-syntax']);
  assert.deepEqual(reasons({ message: '[[' }), ['json-syntax']);
  assert.deepEqual(reasons({}), ['mapping-no-match']);
  assert.deepEqual(reasons(null), ['mapping-no-match']);
  assert.deepEqual(reasons([]), ['mapping-no-match']);
  assert.deepEqual(reasons({ message: { entries: 'x' } }), ['mapping-no-match']);
  assert.deepEqual(reasons({ message: { entries: [] } }), ['ignored']);
});

const head = (kind: string, body: string) =>
  `format: f/1\nkind: ${kind}\ncategory: c\ntime: { from: /t, as: unix_s }\n${body}`;

test('the phase is what the record proves, where the mapping does not say', () => {
  const body = 'action: { tool: /tool, decision: /d, outcome: /o }';
  const format = formatOf(head('gateway', body));
  const phase = (more: object) =>
    draftOf(format.decode({ t: 1, tool: 'x', ...more }, noFacts())[0]).parts.action?.phase;
  assert.equal(phase({}), 'attempt');
  assert.equal(phase({ d: 'deny' }), 'decision');
  assert.equal(phase({ d: 'allow', o: 'ok' }), 'result');
  assert.equal(phase({ o: 'error' }), 'result');
});

test('one record can give several metrics, each with a name of its own', () => {
  const format = formatOf(
    head(
      'metrics',
      `session: { from: /s }
metrics:
  - { name: tokens, unit: '{token}', from: [/total, /estimate], type: counter }
  - { name: seconds, from: /took, as: number, type: gauge }
  - { name: total_calls, from: /calls, type: counter, temporality: cumulative }`,
    ),
  );
  const outcomes = format.decode(
    { t: 1, s: 'a', total: null, estimate: 12, took: '1.5' },
    noFacts(),
  );
  assert.deepEqual(
    outcomes.map((outcome) => [draftOf(outcome).part, draftOf(outcome).parts.metric]),
    [
      [
        'tokens',
        { name: 'tokens', unit: '{token}', type: 'counter', temporality: 'delta', value: 12 },
      ],
      ['seconds', { name: 'seconds', type: 'gauge', temporality: 'none', value: 1.5 }],
    ],
  );
  const [nothing, ...rest] = format.decode({ t: 1 }, noFacts());
  assert.ok(nothing?.type === 'rejected' && rest.length === 0);
  assert.match(nothing.rejection.detail, /tokens, seconds, total_calls/);
  const [wrong] = format.decode({ t: 1, calls: 'many' }, noFacts());
  assert.ok(wrong?.type === 'rejected' && wrong.rejection.reason === 'field-type');
});

test('governance: lists of tools, details, approvals', () => {
  const format = formatOf(
    head(
      'governance',
      `category: { from: /event, map: { GRANT: grant, APPROVE: approval } }
governance:
  change: { from: /event, map: { GRANT: tools.granted, APPROVE: approval.granted } }
  target: { type: { const: agent }, id: /who }
  actor: /by
  detail:
    role: /role
    tools: { each: /list, tool: [/name, ''], class: { from: /effect, map: { r: read, w: write } } }
  approval:
    ref: /ticket
    by: /approvers
    validFromMs: { from: /start, as: rfc3339 }`,
    ).replace('category: c\n', ''),
  );
  const grant = {
    t: 1,
    event: 'GRANT',
    who: 'a1',
    by: 'ops',
    list: [{ name: 'x', effect: 'w' }, 'y', ''],
  };
  assert.deepEqual(draftOf(format.decode(grant, noFacts())[0]).parts.governance, {
    change: 'tools.granted',
    target: { type: 'agent', id: 'a1' },
    actor: 'ops',
    detail: { tools: [{ tool: 'x', class: 'write' }, { tool: 'y' }] },
  });
  const approve = {
    t: 1,
    event: 'APPROVE',
    who: 'a1',
    ticket: 'T-1',
    approvers: ['eve'],
    start: '1970-01-01T00:00:02Z',
  };
  const { category, governance } = draftOf(format.decode(approve, noFacts())[0]).parts;
  assert.equal(category, 'approval');
  assert.deepEqual(governance?.approval, { ref: 'T-1', by: ['eve'], validFromMs: 2000 });
  const [wrong] = format.decode({ ...grant, list: 'all' }, noFacts());
  assert.ok(wrong?.type === 'rejected' && wrong.rejection.detail === '/list: must be an array');
});

test('documents are tried in order; what none matches may be ignored', () => {
  const document = (type: string, category: string) =>
    `format: f/1\nwhen: { /type: ${type} }\nkind: gateway\ncategory: ${category}\ntime: { from: /t, as: unix_s }\naction: { tool: /x }\n`;
  const text = `${document('one', 'first')}---\n${document('[one, two, 3]', 'second')}otherwise: ignore\n`;
  const format = formatOf(text);
  const category = (type: unknown) => {
    const [outcome] = format.decode({ type, t: 1, x: 'x' }, noFacts());
    return outcome?.type === 'draft' ? outcome.draft.parts.category : outcome?.type;
  };
  assert.deepEqual(['one', 'two', 3, '3', 'four'].map(category), [
    'first',
    'second',
    'second',
    'ignored',
    'ignored',
  ]);
});

test('all problems of all files are reported, with line, key and what is allowed', () => {
  const first = `format: acme/1
kind: gossip
category: c
time: { from: ts, as: julian }
trust: policy
action:
  tool: /x
  decision: { from: /d, map: { A: allow, B: perhaps } }
  phase: sometimes
  speed: /s
`;
  const second = `${head('gateway', 'metrics: [{ name: n, from: /n, type: gauge }]\nwhen: { type: x }')}
---
${head('metrics', 'metrics: [{ name: n, from: /n, type: gauge }]\nid: { default: x }')}
`;
  const { mappings, problems } = compile(first, second, head('gateway', 'action: { tool: /x }'));
  const lines = problems.map(
    ({ file, line, key, message }) => `${file}:${line} ${key}: ${message}`,
  );
  const expected = [
    /^m1\.yaml:2 kind: must be one of reasoning, gateway, governance, metrics$/,
    /^m1\.yaml:4 time\.from: must match .*JSON Pointer/,
    /^m1\.yaml:4 time\.as: must be one of rfc3339, unix_s/,
    /^m1\.yaml:5 trust: unknown key; allowed here: format, unwrap/,
    /^m1\.yaml:9 action\.phase: must match .*one of attempt, decision, result/,
    /^m1\.yaml:10 action\.speed: unknown key; allowed here: phase, tool/,
    /^m2\.yaml:\d+ #1: missing key `action`: kind gateway needs it$/,
    /^m2\.yaml:5 #1\.metrics: not allowed with kind gateway; use `action`$/,
    /^m2\.yaml:6 #1\.when\.type: must be a JSON Pointer/,
    /^m2\.yaml:13 #2\.id: needs `from`, `const` or `first`$/,
    /^m3\.yaml:1 format: f\/1 is already defined in m2\.yaml$/,
  ];
  for (const pattern of expected) {
    assert.ok(
      lines.some((line) => pattern.test(line)),
      `${pattern}\n${lines.join('\n')}`,
    );
  }
  assert.equal(lines.length, expected.length, lines.join('\n'));
  assert.equal(mappings.size, 0);
});

test('words that no event may hold are refused before any record is read', () => {
  const { problems } = compile(
    head('gateway', 'action: { tool: /x, decision: { from: /d, map: { A: allow, B: perhaps } } }'),
  );
  assert.deepEqual(
    problems.map(({ key, message }) => [key, message]),
    [['action.decision', 'gives `perhaps`; allowed: allow, deny, modify, escalate, unknown']],
  );
});

test('`otherwise` belongs to the last document', () => {
  const { problems } = compile(
    `${head('gateway', 'action: { tool: /x }\notherwise: ignore')}\n---\n${head('gateway', 'action: { tool: /x }')}`,
  );
  assert.deepEqual(
    problems.map((problem) => problem.key),
    ['#2.otherwise'],
  );
});

test('no document makes the compiler throw', (t) => {
  const keys = [
    'format',
    'kind',
    'when',
    'each',
    'id',
    'time',
    'action',
    'metrics',
    'agent',
    'const',
  ];
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('', '/a', 'gateway', 'f/1', 5, null, true),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('node'), { maxKeys: 6 }),
    ),
  })).node;
  fc.assert(
    fc.property(value, (document) => {
      const file = { file: 'x', documents: [{ value: document, lineOf: () => null }] };
      const { mappings, problems } = compileMappings([file]);
      assert.equal(mappings.size + Math.min(1, problems.length), 1);
    }),
    { seed: seedOf(t), numRuns: 500 },
  );
});

test('no record makes a mapping throw', (t) => {
  const format = formatOf(ACME);
  const mutation = fc.tuple(fc.constantFrom(...Object.keys(entry)), fc.jsonValue());
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 4 }), (mutations) => {
      const item = { ...entry, ...Object.fromEntries(mutations) };
      assert.equal(format.decode({ message: { entries: [item] } }, noFacts()).length, 1);
    }),
    { seed: seedOf(t), numRuns: 500 },
  );
});

const RICH = `
format: rich/1
kind: gateway
category: tool_call
time: { from: /ts, as: unix_ms }
agent: { basis: jwt, from: /who, subject: /sub, instance: /pod }
action:
  tool: /tool
  decision: { const: allow }
  resource: { type: /res/kind, uri: /res/at }
  argsDigest: /hash
  affected: { from: /rows, as: number }
  signature: { from: /sig, map: { 'ok': valid, 'bad': invalid }, default: unknown }
  approval: { ref: /apr, by: /approvers }
  offered: { each: /list, tool: /n, digest: /d }
`;

test('parts of the event that have no words of their own are written in its shape', () => {
  const format = formatOf(RICH);
  const record = {
    ts: 1_800_000_000_000,
    who: 'clerk-1',
    sub: 'spiffe://fleet/clerk',
    tool: 'purge',
    res: { kind: 'table', at: 'db://orders' },
    hash: 'sha256:1f',
    rows: '40',
    sig: 'bad',
    approvers: ['mara'],
    list: [{ n: 'purge', d: 'sha256:2e' }, { n: 'read' }],
  };
  const { parts } = draftOf(format.decode(record, noFacts())[0]);
  assert.deepEqual(parts.agent, { id: 'clerk-1', basis: 'jwt', subject: 'spiffe://fleet/clerk' });
  assert.deepEqual(parts.action, {
    tool: 'purge',
    decision: 'allow',
    outcome: 'unknown',
    phase: 'decision',
    resource: { type: 'table', uri: 'db://orders' },
    argsDigest: 'sha256:1f',
    affected: 40,
    signature: 'invalid',
    approval: { by: ['mara'] },
    offered: [{ tool: 'purge', digest: 'sha256:2e' }, { tool: 'read' }],
  });
});

test('mistakes in such a part are named like any other', () => {
  const { problems } = compile(
    RICH.replace('type: /res/kind', 'kind: /res/kind').replace("'ok': valid", "'ok': fine"),
  );
  const said = problems.map(({ key, message }) => `${key}: ${message}`);
  assert.ok(
    said.some((line) => /^action\.resource\.kind: unknown key/.test(line)),
    said.join('\n'),
  );
});

test('attributes of a metric are fields by name', () => {
  const format = formatOf(`
format: m/1
kind: metrics
category: egress
time: { from: /ts, as: unix_ms }
metrics: [{ name: egress.bytes, from: /bytes, type: counter, attrs: { host: /to, tool: /tool } }]
`);
  const [first] = format.decode({ ts: 1, bytes: 9, to: 'x.example' }, noFacts());
  assert.deepEqual(draftOf(first).parts.metric, {
    name: 'egress.bytes',
    type: 'counter',
    temporality: 'delta',
    value: 9,
    attrs: { host: 'x.example' },
  });
});
