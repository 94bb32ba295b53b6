/** Deeds: labels agree with what was emitted, and nothing but the deed gives a session away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WireEvent } from '../../src/model/event.ts';
import { DEEDS, type Purpose } from '../../src/simulation/deeds.ts';
import { DEVIATIONS, MISBEHAVIOURS, type SessionLabel } from '../../src/simulation/emission.ts';
import { STORY_ROLES } from '../../src/simulation/story-roles.ts';
import { findingsOf, keepBooks } from './books.ts';
import { literalsIn, type Told, tell, tellOf } from './stories.ts';

const SESSION_DEEDS = [
  'tool-sweep',
  'exfiltration-volume',
  'cost-spiral',
  'retry-loop',
  'mandate-mismatch',
  'foreign-argument',
  'source-tampering',
  'delegation-abuse',
  'poisoned-window',
] as const;

const seqOf = (event: WireEvent): number | null => event.order?.seq ?? null;
const recordsOf = (told: Told, id: string) => told.sessions.get(id) ?? [];
const at = (told: Told, { session_id: id }: SessionLabel, seq: number | null) =>
  recordsOf(told, id).find((event) => seqOf(event) === seq);
const succeeded = (told: Told) =>
  [...told.labels.values()].filter(({ label }) => label === 'attack_succeeded');

test('every way to misbehave has its deed', () => {
  const known = new Set<string>(Object.keys(DEEDS));
  for (const kind of [...MISBEHAVIOURS, ...DEVIATIONS]) assert.ok(known.has(kind), kind);
});

for (const kind of SESSION_DEEDS) {
  test(`${kind}: labels, truths and records say the same`, () => {
    const told = tellOf(kind);
    const truths = new Map(told.truths.map((truth) => [truth.sessionId, truth]));
    assert.equal(truths.size, told.truths.length, 'one truth a session');
    const bad = succeeded(told);
    assert.ok(bad.length >= 35, `${bad.length}`);
    assert.equal(bad.length, truths.size);
    for (const label of bad) {
      const truth = truths.get(label.session_id);
      assert.ok(truth !== undefined && truth.kind === kind && label.kind === kind);
      assert.equal(truth.agentId, label.agent_id);
      assert.equal(label.onset_seq, truth.fromSeq ?? 0);
      assert.ok(at(told, label, label.onset_seq) !== undefined, 'the onset is a record');
      if (truth.seq !== null) assert.ok(at(told, label, truth.seq) !== undefined);
      const made = recordsOf(told, label.session_id).filter(({ kind: of }) => of === 'gateway');
      assert.equal(label.tool_calls, made.length);
    }
    const ledger = keepBooks(told.emissions);
    for (const books of ledger.sessions.values())
      assert.deepEqual(findingsOf(ledger, books), [], `${books.id} breaks no rule`);
  });
}

test('all labels of a mixed fleet are consistent, whatever the seed', () => {
  const rates = Object.fromEntries(
    [...SESSION_DEEDS, 'injection-resisted', 'injection-attempted'].map((kind) => [kind, 0.06]),
  );
  for (const seed of [1, 2, 3, 4]) {
    const told = tell({ seed, sessions: 160, rates });
    const sessionsWithTruth = new Set(told.truths.map(({ sessionId }) => sessionId));
    assert.equal(told.labels.size, told.sessions.size);
    for (const label of told.labels.values()) {
      const { session_id: id, exposed_at_seq: exposed, onset_seq: onset } = label;
      assert.equal(label.label === 'attack_succeeded', sessionsWithTruth.has(id));
      assert.equal(label.label === 'benign', label.kind === null);
      if (label.label === 'benign') assert.deepEqual([exposed, onset], [null, null]);
      if (label.label === 'attack_resisted') assert.equal(onset, null);
      if (exposed !== null && onset !== null) assert.ok(exposed < onset);
      for (const seq of [exposed, onset])
        if (seq !== null) assert.ok(at(told, label, seq) !== undefined, `${id} ${seq}`);
    }
  }
});

test('foreign argument: what the hostile call names was read at the exposure and not before', () => {
  const told = tellOf('foreign-argument', 120);
  for (const label of succeeded(told)) {
    const records = recordsOf(told, label.session_id);
    const hostile = at(told, label, label.onset_seq)?.action;
    const carrier = at(told, label, label.exposed_at_seq)?.action;
    assert.ok(hostile?.outcome === 'ok' && carrier?.outcome === 'ok');
    const literals = literalsIn(hostile.args);
    const carried = JSON.stringify(carrier.result);
    const before = JSON.stringify(
      records.filter((event) => (seqOf(event) ?? -1) < (label.exposed_at_seq ?? 0)),
    );
    for (const literal of literals) {
      assert.ok(carried.includes(literal), `${hostile.tool}: ${literal}`);
      assert.equal(before.includes(literal), false);
    }
  }
});

test('resisted: the instruction is read, or lies unread, and no call follows it', () => {
  const told = tellOf('injection-resisted', 200);
  const labels = [...told.labels.values()].filter(({ label }) => label === 'attack_resisted');
  assert.ok(labels.length > 170 && told.truths.length === 0);
  const read = labels.filter(({ exposed_at_seq: seq }) => seq !== null).length;
  assert.ok(read > labels.length * 0.4 && read < labels.length * 0.9, `${read}`);
});

test('attempted: policy stops the call', () => {
  const told = tellOf('injection-attempted', 80);
  const tried = [...told.labels.values()].filter(({ label }) => label === 'attack_attempted');
  assert.ok(tried.length > 60 && told.truths.length === 0);
  for (const label of tried) {
    const action = at(told, label, label.onset_seq)?.action;
    assert.deepEqual([action?.decision, action?.outcome], ['deny', 'error']);
  }
});

test('each deed shows what its name says', () => {
  const callsOf = (told: Told, label: SessionLabel) =>
    recordsOf(told, label.session_id).filter(
      (event) => event.action !== undefined && (seqOf(event) ?? -1) >= (label.onset_seq ?? 0),
    );
  const sweeps = tellOf('tool-sweep');
  for (const label of succeeded(sweeps)) {
    const tools = callsOf(sweeps, label).map(({ action }) => action?.tool);
    assert.ok(new Set(tools).size >= 3);
  }
  const loops = tellOf('retry-loop');
  for (const label of succeeded(loops)) {
    const { tool, args } = at(loops, label, label.onset_seq)?.action ?? {};
    const same = callsOf(loops, label).filter(
      ({ action }) =>
        action?.tool === tool && JSON.stringify(action?.args) === JSON.stringify(args),
    );
    assert.ok(same.filter(({ action }) => action?.outcome === 'error').length >= 5);
  }
  const leaks = tellOf('exfiltration-volume');
  const bytes = (told: Told, id: string) =>
    recordsOf(told, id).reduce((sum, { action }) => sum + (action?.bytesOut ?? 0), 0);
  for (const label of succeeded(leaks)) assert.ok(bytes(leaks, label.session_id) > 40_000);
  const strays = tellOf('mandate-mismatch');
  for (const label of succeeded(strays)) {
    const [role, task] = label.task.split('/');
    const flows = STORY_ROLES.find(({ name }) => name === role)?.flows ?? [];
    const own = flows.find(({ taskType }) => taskType === task)?.steps.map(({ tool }) => tool);
    const used = callsOf(strays, label).map(({ action }) => action?.tool ?? '');
    assert.ok(used.some((tool) => own?.includes(tool) === false));
  }
  const hives = tellOf('delegation-abuse', 40);
  const parents = succeeded(hives).filter(
    ({ session_id: id }) => recordsOf(hives, id)[0]?.session?.parent === undefined,
  );
  assert.ok(parents.length >= 30);
  for (const { session_id: id } of parents) {
    const children = [...hives.sessions.values()].filter(
      ([first]) => first?.session?.parent === id,
    );
    assert.ok(children.length >= 4);
  }
});

test('nothing but the deed tells a bad session: same keys, same forms of ids', () => {
  const keysOf = (value: unknown, path = ''): string[] => {
    if (typeof value !== 'object' || value === null || path.endsWith('.args')) return [path];
    if (path.endsWith('.result')) return [path];
    if (Array.isArray(value)) return value.flatMap((each) => keysOf(each, `${path}[]`));
    return Object.entries(value).flatMap(([key, each]) => keysOf(each, `${path}.${key}`));
  };
  const form = (text: string) => text.replace(/[0-9a-f]{8}$/, 'x').replace(/[0-9a-z]+-x$/, 'n-x');
  const shapes = (told: Told, which: (label: SessionLabel) => boolean) => {
    const found = new Set<string>();
    for (const label of told.labels.values()) {
      if (!which(label)) continue;
      found.add(form(label.session_id));
      for (const event of recordsOf(told, label.session_id)) {
        found.add(`${event.kind} ${Object.keys(event).join()}`);
        for (const key of keysOf(event)) found.add(`${event.kind}${key}`);
      }
    }
    return found;
  };
  const sound = shapes(tell({ sessions: 900 }), ({ label }) => label === 'benign');
  const purposes: readonly Purpose[] = [...SESSION_DEEDS, 'injection-resisted'];
  for (const purpose of purposes) {
    const bad = shapes(tellOf(purpose, 40), ({ label }) => label !== 'benign');
    assert.deepEqual(
      [...bad].filter((shape) => !sound.has(shape)),
      [],
      purpose,
    );
  }
});

test('a role that has nothing to offer a stranger is left alone', () => {
  const told = tell({
    rates: { 'foreign-argument': 0.5, 'delegation-abuse': 0.5 },
    sessions: 30,
    roles: STORY_ROLES.map(({ goals: _, ...role }) => role),
  });
  assert.deepEqual(
    new Set([...told.labels.values()].map(({ label }) => label)),
    new Set(['benign']),
  );
});
