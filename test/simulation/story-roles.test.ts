/** Story roles: sound sessions hang together, and hold the honest noise of real agents. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { WireEvent } from '../../src/model/event.ts';
import { createFleet } from '../../src/simulation/fleet.ts';
import { checkRoles } from '../../src/simulation/population.ts';
import { ROLES } from '../../src/simulation/roles.ts';
import { STORY_ROLES } from '../../src/simulation/story-roles.ts';
import { findingsOf, keepBooks } from './books.ts';
import { literalsIn, START, tell } from './stories.ts';

const told = tell({ sessions: 1_200 });
const ledger = keepBooks(told.emissions);

test('there are ten roles, with tools of their own', () => {
  checkRoles(STORY_ROLES);
  assert.equal(new Set(STORY_ROLES.map(({ name }) => name)).size, 10);
  const names = [...ROLES, ...STORY_ROLES].flatMap((role) => role.tools.map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
  for (const { name, flows, goals } of STORY_ROLES) {
    assert.ok(flows.length >= 3 && (goals?.length ?? 0) >= 2, name);
  }
});

test('every sound session is labelled benign, and the four books agree', () => {
  assert.ok(told.labels.size >= 1_200);
  assert.equal(told.labels.size, told.sessions.size);
  assert.deepEqual(told.truths, []);
  for (const label of told.labels.values()) {
    assert.deepEqual(
      [label.label, label.exposed_at_seq, label.onset_seq, label.kind],
      ['benign', null, null, null],
    );
    const books = ledger.sessions.get(label.session_id);
    assert.ok(books !== undefined);
    assert.equal(label.tool_calls, books.made.length);
    assert.deepEqual(findingsOf(ledger, books), [], books.id);
  }
});

test('records are valid events, the same for the same options', () => {
  const validator = Compile(WireEvent);
  const options = {
    ...{ seed: 5, agents: 30, startMs: START, sessionsPerHour: 300, badShare: 0 },
    ...{ roles: STORY_ROLES, temper: { rho: 0.6 }, sessions: 150 },
  };
  const once = createFleet(options).until(Number.MAX_SAFE_INTEGER);
  for (const { event } of once) {
    if (!validator.Check(event)) assert.fail(JSON.stringify([validator.Errors(event), event]));
  }
  assert.deepEqual(createFleet(options).until(Number.MAX_SAFE_INTEGER), once);
  const other = createFleet({ ...options, period: 'b/' }).until(Number.MAX_SAFE_INTEGER);
  const mandates = (list: typeof once) =>
    new Set(list.flatMap(({ event }) => event.governance?.detail?.mandate ?? []));
  const shared = [...mandates(once)].filter((mandate) => mandates(other).has(mandate));
  assert.ok(shared.length < 5, 'another period has other sessions');
});

test('mandates of a task are many, of few forms', () => {
  const byTask = new Map<string, string[]>();
  for (const { task, session_id } of told.labels.values()) {
    const mandate = told.sessions.get(session_id)?.[0]?.governance?.detail?.mandate;
    assert.ok(mandate !== undefined && mandate.length > 10);
    byTask.set(task, [...(byTask.get(task) ?? []), mandate]);
  }
  assert.ok(byTask.size >= 30);
  for (const [task, mandates] of byTask) {
    assert.ok(new Set(mandates).size > mandates.length * 0.3, task);
    const forms = mandates.map((mandate) => mandate.split(' ').slice(0, 1).join(' '));
    assert.ok(mandates.length < 20 || new Set(forms).size >= 1, task);
  }
});

test('what a changing call names was in the mandate or in an earlier result', () => {
  let known = 0;
  let fromResult = 0;
  let all = 0;
  const tools = new Map(STORY_ROLES.flatMap((role) => role.tools.map((tool) => [tool.name, tool])));
  for (const records of told.sessions.values()) {
    let mandate = '';
    let results = '';
    for (const { governance, action } of records) {
      mandate += governance?.detail?.mandate ?? '';
      if (action === undefined || action.outcome !== 'ok') continue;
      const reach = tools.get(action.tool)?.class;
      if (reach === 'communicate' || reach === 'spend') {
        for (const [key, value] of Object.entries(action.args ?? {})) {
          if (key === 'path' || key === 'draft') continue;
          for (const literal of literalsIn(value)) {
            all += 1;
            if (mandate.includes(literal)) known += 1;
            else if (results.includes(literal)) fromResult += 1;
          }
        }
      }
      results += JSON.stringify(action.result);
    }
  }
  assert.ok(all > 1_200, `${all}`);
  assert.ok((known + fromResult) / all > 0.93, `${known} + ${fromResult} of ${all}`);
  assert.ok(fromResult / all > 0.3, 'payees and links are copied from results');
});

test('the noise that must not alarm anybody is there', () => {
  const known = new Set(STORY_ROLES.flatMap((role) => role.tools.map(({ name }) => name)));
  const calls = [...told.sessions.values()].flatMap((records) =>
    records.flatMap(({ action }) => (action === undefined ? [] : [action])),
  );
  const share = calls.filter(({ tool }) => !known.has(tool)).length / calls.length;
  assert.ok(share > 1 / 45 && share < 1 / 22, `${share}`);
  assert.ok(calls.some(({ status }) => status === 504));
  assert.ok(calls.some(({ policy }) => policy?.id === 'limits'));
  const none = [...told.labels.values()].filter(({ tool_calls: made }) => made === 0).length;
  assert.ok(none > 4 && none < told.labels.size / 30, `${none} refused by the model`);
});

test('texts vary, and results differ in size', () => {
  const texts = told.emissions.flatMap(({ event }) => event.reasoning?.text ?? []);
  assert.ok(new Set(texts).size > texts.length * 0.4, `${new Set(texts).size} of ${texts.length}`);
  const words = new Set(texts.flatMap((text) => text.toLowerCase().match(/[a-z]{3,}/g) ?? []));
  assert.ok(words.size > 250, `${words.size}`);
  const bytes = told.emissions.flatMap(({ event }) => event.action?.bytesOut ?? []);
  assert.ok(new Set(bytes).size > 1_000);
});
