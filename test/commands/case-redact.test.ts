/** Redaction: no content and no name is left, what equals stays equal, and it can still be read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redacted } from '../../src/commands/case-redact.ts';
import { CASE_SOURCES } from '../../src/commands/case-run.ts';
import type { WireEvent } from '../../src/model/event.ts';
import { MISBEHAVIOURS } from '../../src/simulation/emission.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { createDecode } from '../../src/source/source.ts';
import { recordsOf } from '../sim/fleet-log.ts';

const KEY = Buffer.alloc(32, 7);
const NAMES = new Map([
  ['bot-7', 'recorded-1'],
  ['case-4711', 'run-1'],
]);
const REDACTION = { names: NAMES, key: KEY };

const EVENT = {
  kind: 'gateway',
  category: 'tool_call',
  agent: { id: 'bot-7', subject: 'bot-7' },
  session: { id: 'case-4711' },
  principal: { sub: 'ann@example.com' },
  action: {
    ...{ phase: 'result', tool: 'send_message', decision: 'deny', outcome: 'error', status: 403 },
    policy: { id: 'egress' },
    reason: 'ann@example.com may not',
    args: {
      to: 'ann@example.com',
      lines: ['secret', 'secret', ''],
      page: 2,
      account: 4_711_815,
      ok: true,
    },
    resource: { type: 'mailbox', uri: 'mail://ann@example.com' },
  },
};

describe('redaction', () => {
  const clean = redacted(EVENT, REDACTION) as typeof EVENT;

  it('keeps how a record is built, and gives other names', () => {
    const { tool, decision, outcome, status, policy, resource } = clean.action;
    assert.deepEqual([tool, decision, outcome, status], ['send_message', 'deny', 'error', 403]);
    assert.deepEqual([policy, resource.type], [{ id: 'egress' }, 'mailbox']);
    assert.deepEqual(
      [clean.agent, clean.session],
      [{ id: 'recorded-1', subject: 'recorded-1' }, { id: 'run-1' }],
    );
  });

  it('leaves no content: texts, accounts, people', () => {
    const text = JSON.stringify(clean);
    for (const told of ['ann@', 'example', 'secret', '4711815', 'may not', 'bot-7', 'case-4711'])
      assert.ok(!text.includes(told), told);
  });

  it('keeps what is equal equal, what is empty empty, and what kind of value it is', () => {
    const { to, lines, page, account, ok } = clean.action.args;
    assert.equal(to, clean.principal.sub);
    assert.equal(lines[0], lines[1]);
    assert.notEqual(lines[0], to);
    assert.equal(lines[2], '');
    assert.deepEqual([page, ok], [2, true]);
    assert.equal(String(account).length, 7);
    assert.ok(Number.isInteger(account));
  });

  it('cannot be guessed without the key', () => {
    const other = redacted(EVENT, { ...REDACTION, key: Buffer.alloc(32, 8) }) as typeof EVENT;
    assert.notEqual(other.action.args.to, clean.action.args.to);
  });

  it('leaves every event of a fleet readable', () => {
    const { decode } = createDecode([...CASE_SOURCES], new Map());
    const fleet = recordsOf({
      ...{ seed: 1, agents: 6, startMs: 1_800_000_000_000, sessionsPerHour: 400, badShare: 0.7 },
      ...{ sessions: 6, misbehaviours: MISBEHAVIOURS },
    }).sent;
    let read = 0;
    for (const { topic, value } of fleet) {
      const event = redacted(JSON.parse(value), REDACTION) as WireEvent;
      const place = { topic, partition: 0, offset: read, timestampMs: 1_800_000_000_000 };
      const { events, deadLetters } = decode({
        ...place,
        key: null,
        value: Buffer.from(encodeEvent(event)),
      });
      assert.deepEqual(
        deadLetters.map(({ detail }) => detail),
        [],
      );
      read += events.length;
    }
    assert.ok(read > 200, `${read} events`);
  });
});
