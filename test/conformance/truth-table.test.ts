/** The truth table: whatever a target does, somebody holds it or people are called, and it ends. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DOCS } from '../../scripts/pages.ts';
import { truthPages } from '../../scripts/truth-table.ts';
import { DRIVERS } from '../../src/act/act.ts';
import { type Row, SCENARIOS, STORIES, type Told, tell, truthTable } from './truth-table.ts';

const rows = await truthTable();
const told: Told[] = [];
for (const story of STORIES) told.push(await tell(story));

/** What must be true of a driver in a scenario. */
const MUST: Readonly<Record<string, (row: Row) => void>> = {
  works: holds,
  'works unseen': (row) => {
    holds(row);
    assert.equal(row.first.by, row.isAsked ? 'readback+quiet' : 'quiet');
  },
  slow: holds,
  'loses reply': holds,
  recovers: holds,
  refuses: (row) => {
    assert.equal(row.first.state, 'refused');
    assert.equal(row.first.escalated, 'refused');
    handedOn(row);
  },
  ignores: handedOn,
  'serves on': (row) => {
    assert.deepEqual([row.first.verification, row.first.escalated], ['leaking', 'leaking']);
    assert.ok(row.first.leaked > 0);
    handedOn(row);
  },
  'serves on 60 s': (row) => (row.first.leaked === 0 ? holds(row) : handedOn(row)),
  // Some drivers put it right by themselves when they are asked; then nothing leaks.
  reverts: (row) => (row.first.escalated === null ? holds(row) : handedOn(row)),
  'reverts unseen': (row) => {
    assert.equal(row.through, 0);
    // Where nobody calls and nobody can be asked, nobody knows.
    if (!row.isAsked) return;
    if (row.first.escalated === null) return holds(row);
    assert.equal(row.first.by, 'reverted');
    handedOn(row);
  },
  'approval pending': handedOn,
  'is down': (row) => {
    assert.equal(row.first.escalated, 'unreached');
    handedOn(row);
  },
};

function holds({ first, next }: Row): void {
  assert.equal(first.verification, 'verified');
  assert.deepEqual([first.leaked, first.escalated, next], [0, null, null]);
}

/** Never called verified in the end; the next driver holds it, and few calls leak until it does. */
function handedOn({ first, next }: Row): void {
  assert.notEqual(first.verification, 'verified');
  assert.notEqual(first.escalated, null);
  assert.equal(next?.verification, 'verified');
  assert.ok(first.leaked <= 2, `${first.leaked} leaked`);
}

for (const row of rows)
  test(`${row.driver} ${row.scenario}: ${row.first.escalated ?? row.first.verification}`, () => {
    MUST[row.scenario]?.(row);
    assert.notEqual(row.freed, false, 'restrained beyond its time');
  });

test('every scenario says what must be true, and every driver is in the table', () => {
  assert.deepEqual(Object.keys(MUST).sort(), SCENARIOS.map(({ name }) => name).sort());
  const seen = new Set(rows.map(({ driver }) => driver));
  assert.deepEqual([...seen].sort(), Object.keys(DRIVERS).sort());
});

test('along the chain, then rung by rung, until somebody holds it', () => {
  const ends = told.map(({ leases }) => leases.map((one) => `${one.driver} ${one.verification}`));
  assert.deepEqual(ends, [
    ['litellm leaking', 'kubernetes verified'],
    ['contextforge unverified', 'kubernetes verified'],
    ['contextforge none', 'kubernetes verified'],
    ['litellm leaking'],
  ]);
  const decided = told.map(({ decisions }) => decisions);
  assert.deepEqual(decided, [
    ['suspend_agent act'],
    ['containment-leak: suspend_agent act'],
    ['containment-leak: suspend_agent act'],
    // Nothing is above: it is a finding for people.
    ['containment-leak: alert record'],
  ]);
  for (const { freed } of told) assert.equal(freed, true);
});

for (const [name, text] of await truthPages(rows, told))
  test(`docs/${name} says what was played just now (npm run truth-table writes it)`, () => {
    assert.equal(readFileSync(new URL(name, DOCS), 'utf8'), text);
  });
