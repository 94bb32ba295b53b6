/** Remediation: each step of containment says what was done, by which lease, and whether it held. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderAlert } from '../../../src/act/finding/finding.ts';
import type { AlertStep } from '../../../src/model/alert.ts';
import { VERBS } from '../../../src/model/decision.ts';
import { ocsfObject } from '../../conformance/published.ts';
import { dueOf, FINDING, HOSTILE, leaseOf, matterOf, stepOf } from '../matter.ts';

const eventOf = (step: Partial<AlertStep> = {}, lease = leaseOf()) => {
  const due = dueOf({ kind: 'action', step: stepOf(step), matter: matterOf({ leases: [lease] }) });
  const alert = renderAlert(due, FINDING);
  assert.ok(alert !== null);
  return alert.event;
};

describe('a step of containment as Remediation Activity', () => {
  it('says what the class demands, and bears the lease as command', () => {
    const event = eventOf();
    for (const name of [
      'activity_id',
      'category_uid',
      'class_uid',
      'command_uid',
      'metadata',
      'severity_id',
      'time',
      'type_uid',
    ])
      assert.ok(Object.hasOwn(event, name), name);
    assert.deepEqual([event['class_uid'], event['category_uid']], [7001, 7]);
    assert.equal(event['command_uid'], 'lease-1');
    const fits = { metadata: ocsfObject('metadata'), remediation: ocsfObject('remediation') };
    assert.deepEqual(fits.metadata(event['metadata']), { ok: true, why: '' });
    assert.deepEqual(fits.remediation(event['remediation']), { ok: true, why: '' });
  });

  it('tells isolation, eviction, hardening and restoring apart', () => {
    const activities = VERBS.map((verb) => eventOf({}, leaseOf({ verb }))['activity_name']);
    assert.deepEqual(activities, ['Harden', 'Isolate', 'Evict', 'Isolate']);
    const undone = eventOf({ step: 'release', outcome: 'accepted' });
    assert.deepEqual([undone['activity_name'], undone['type_uid']], ['Restore', 700_103]);
  });

  it('is a success only where it holds: what leaks is partial, whatever the target said', () => {
    const status = (outcome: string, step: AlertStep['step'] = 'verification') =>
      eventOf({ outcome, step, leakedCalls: 2 })['status'];
    assert.equal(status('accepted', 'request'), 'Success');
    assert.equal(status('verified'), 'Success');
    assert.equal(status('leaking'), 'Partial');
    assert.equal(status('unverified'), 'Failure');
    assert.equal(status('refused', 'request'), 'Failure');
    assert.equal(status('pending_approval', 'request'), 'Unknown');
  });

  it('is null where the case holds no such lease', () => {
    const due = dueOf({ kind: 'action', step: stepOf({ leaseId: 'other' }) });
    assert.equal(renderAlert(due, FINDING), null);
  });

  it('escapes names of agents and tools', () => {
    const subject = { tenant: 't', agent: HOSTILE, session: null, tools: [HOSTILE] };
    const text = JSON.stringify(eventOf({ outcome: HOSTILE }, leaseOf({ subject })));
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u);
    assert.doesNotMatch(text, /\\u00|\\n/);
  });
});
