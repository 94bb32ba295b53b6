/** Witnesses: digests that join equal arguments and tell what differs, without any content. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  attemptOf,
  differingLeaves,
  digestArgs,
  intentOf,
  presence,
  sameArguments,
} from '../../src/correlate/witness.ts';
import type { Event } from '../../src/model/event.ts';
import type { Action } from '../../src/model/event-action.ts';
import { eventOf } from './events.ts';

const digest = (args: Record<string, unknown>, key = 'k') => digestArgs(args, key);

function gateway(action: Partial<Action>): Event & { readonly action: Action } {
  const full: Action = { phase: 'result', tool: 't', decision: 'allow', outcome: 'ok', ...action };
  return eventOf({ kind: 'gateway', call: 'c1', seq: 4, body: { action: full } }) as never;
}

const KNOWN = { granted: true, toolClass: 'read', tier: 'autonomous' };

describe('witness', () => {
  it('digests equal arguments alike, in any order of keys, and by the deployment’s key', () => {
    const one = digest({ a: 1, b: { c: [1, 2], d: 'x' } });
    assert.deepEqual(digest({ b: { d: 'x', c: [1, 2] }, a: 1 }), one);
    assert.notEqual(digest({ a: 1, b: { c: [2, 1], d: 'x' } }).digest, one.digest);
    assert.notEqual(digest({ a: 1, b: { c: [1, 2], d: 'x' } }, 'other').digest, one.digest);
    assert.match(one.digest ?? '', /^[0-9a-f]{32}$/);
    assert.deepEqual(Object.keys(one.leaves ?? {}), ['/a', '/b/c/0', '/b/c/1', '/b/d']);
  });

  it('has nothing to say without arguments', () => {
    assert.deepEqual(digestArgs(undefined, 'k'), { digest: null, leaves: null });
  });

  it('keeps what a producer gave instead of arguments, apart from our own digests', () => {
    const attempt = (more: Partial<Action>) => attemptOf(gateway(more), 'a', 't', KNOWN, 'k');
    const masked = attempt({ argsDigest: 'sha256:1', leafDigests: { '/to': 'aa' } });
    assert.deepEqual(
      [masked.digest, masked.given, masked.leaves],
      [null, 'sha256:1', { '/to': 'aa' }],
    );
    const whole = attempt({ args: { to: 'x' }, argsDigest: 'sha256:1' });
    assert.equal(whole.given, undefined);
    assert.match(whole.digest ?? '', /^[0-9a-f]{32}$/);
    assert.equal(sameArguments(masked, attempt({ argsDigest: 'sha256:1' })), true);
    assert.equal(sameArguments(masked, attempt({ argsDigest: 'sha256:2' })), false);
    assert.equal(sameArguments(masked, whole), false);
    assert.equal(sameArguments(attempt({}), attempt({})), false);
  });

  it('leaves transport fields out', () => {
    assert.deepEqual(digest({ a: 1, _meta: { token: 7 } }), digest({ a: 1 }));
  });

  it('is bounded in leaves and in the length of their names', () => {
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, n]));
    assert.equal(Object.keys(digest(wide).leaves ?? {}).length, 64);
    const [pointer = ''] = Object.keys(digest({ ['x'.repeat(5000)]: 1 }).leaves ?? {});
    assert.ok(pointer.length < 200);
    // What the leaves leave out the whole still sees.
    assert.notEqual(digest(wide).digest, digest({ ...wide, k499: -1 }).digest);
  });

  it('is total, keeps no value, and differs exactly where arguments do', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (args) => {
        const { digest: text, leaves } = digest(args);
        assert.match(text ?? '', /^[0-9a-f]{32}$/);
        for (const value of Object.values(leaves ?? {})) assert.match(value, /^[0-9a-f]{16}$/);
        assert.deepEqual(
          differingLeaves(leaves ?? {}, digest(structuredClone(args)).leaves ?? {}),
          [],
        );
      }),
    );
    const a = digest({ to: 'a', n: 1, gone: true }).leaves ?? {};
    const b = digest({ to: 'b', n: 1, new: true }).leaves ?? {};
    assert.deepEqual(differingLeaves(a, b), ['/gone', '/new', '/to']);
  });

  it('says where a call should have come: after the record and the calls before it', () => {
    const event = eventOf({ seq: 7, ms: 5 });
    const intent = intentOf(
      event,
      { tool: 'T', args: { a: 1 }, toolCallId: 'c' },
      2,
      'a',
      't',
      'k',
      false,
    );
    assert.equal(intent.afterSeq, 9);
    assert.deepEqual([intent.call, intent.tool, intent.index], ['c', 't', 2]);
    assert.equal(intentOf(eventOf({}), { tool: 'T' }, 0, 'a', 't', 'k', false).afterSeq, null);
  });

  it('knows our own refusals by the name of the policy', () => {
    const deny = { decision: 'deny', outcome: 'error' } as const;
    const ours = (action: Partial<Action>) => attemptOf(gateway(action), 'a', 't', KNOWN, 'k').ours;
    assert.equal(ours({ ...deny, policy: { id: 'plumbline:lease-1' } }), true);
    assert.equal(ours({ ...deny, policy: { id: 'egress' } }), false);
    assert.equal(ours(deny), false);
    assert.equal(ours({ policy: { id: 'plumbline:lease-1' } }), false);
  });

  it('takes a refusal that names nobody for our own while a lease restrains the call', () => {
    const ours = (action: Partial<Action>) =>
      attemptOf(gateway(action), 'a', 't', KNOWN, 'k', () => true).ours;
    assert.equal(ours({ decision: 'deny', outcome: 'error' }), true);
    assert.equal(ours({ decision: 'unknown', outcome: 'error', status: 403 }), true);
    assert.equal(ours({ decision: 'unknown', outcome: 'error', status: 500 }), false);
    assert.equal(ours({ decision: 'unknown', outcome: 'ok', status: 403 }), false);
    assert.equal(ours({ decision: 'allow', outcome: 'error', status: 403 }), false);
    assert.equal(ours({ decision: 'allow', outcome: 'ok' }), false);
    assert.equal(ours({ decision: 'deny', outcome: 'error', policy: { id: 'egress' } }), false);
  });

  it('says where a gateway without decisions forbids a call', () => {
    const said = (action: Partial<Action>) =>
      attemptOf(gateway(action), 'a', 't', KNOWN, 'k').forbidden;
    assert.equal(said({ decision: 'unknown', outcome: 'error', status: 401 }), true);
    assert.equal(said({ decision: 'unknown', outcome: 'error', status: 500 }), undefined);
    assert.equal(said({ decision: 'allow', outcome: 'error', status: 403 }), undefined);
  });

  it('carries what governance knew, and no content', () => {
    const attempt = attemptOf(gateway({ args: { secret: 'hunter2' } }), 'a', 't', KNOWN, 'k');
    assert.deepEqual(
      [attempt.granted, attempt.toolClass, attempt.tier],
      [true, 'read', 'autonomous'],
    );
    assert.deepEqual([attempt.call, attempt.seq, attempt.policy], ['c1', 4, null]);
    assert.ok(!JSON.stringify(attempt).includes('hunter2'));
    assert.equal(presence(gateway({}), 'a').tool, '');
  });
});
