/** Effects: another tool that reaches the same thing has the same digest. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { effectDigest, normalised } from '../../../src/detect/derived/effect.ts';
import type { Action } from '../../../src/model/event-action.ts';
import { askedCall, inventoryOf } from './asked-call.ts';

const effect = (action: Partial<Action>, toolClass: string | null = 'write') =>
  effectDigest(askedCall(action, inventoryOf([]), { toolClass }));

describe('the effect of a call', () => {
  it('is the same by another tool, under other keys and in another order', () => {
    const one = effect({ tool: 'remove_file', args: { path: '/srv/hr/a.txt', force: true } });
    const other = effect({ tool: 'run_delete', args: { mode: 'x', target: '/srv/hr/a.txt' } });
    const same = effect({ tool: 'unlink', args: { force: true, file: '/srv//hr/./a.txt' } });
    assert.equal(one, same);
    assert.notEqual(one, other);
  });

  it('is the resource where the gateway names one', () => {
    const uri = 'postgres://DB.example/orders/';
    const one = effect({ tool: 'a', resource: { uri }, args: { x: 1 } });
    const other = effect({ tool: 'b', resource: { uri: 'postgres://db.example/orders' } });
    assert.equal(one, other);
  });

  it('differs by class of tool, and by tool where no class is known', () => {
    const args = { id: 'r-1' };
    assert.notEqual(effect({ args }, 'read'), effect({ args }, 'write'));
    assert.notEqual(effect({ tool: 'a', args }, null), effect({ tool: 'b', args }, null));
  });

  it('survives masking: leaves first, then the digest of all', () => {
    const leafDigests = { '/to': 'aa', '/cc': 'bb' };
    assert.equal(effect({ leafDigests }), effect({ leafDigests: { '/x': 'bb', '/y': 'aa' } }));
    assert.notEqual(effect({ argsDigest: 'aa' }), effect({ argsDigest: 'ab' }));
  });

  it('is absent for a call that names nothing, or is no call', () => {
    assert.equal(effect({}), undefined);
    assert.equal(effect({ args: {} }), undefined);
    assert.equal(effect({ args: { _meta: { id: 7 } } }), undefined);
  });

  it('does not care how a number is typed', () => {
    assert.equal(effect({ args: { id: 7, to: 'x' } }), effect({ args: { to: 'x', id: '7' } }));
  });

  it('normalises what is normalised already to itself', () => {
    assert.equal(normalised('HTTPS://Ex.org:443/a/../b//c/?q=1'), 'https://ex.org/b/c?q=1');
    assert.equal(normalised('/a/../../b'), '/b');
    assert.equal(normalised('a note / with spaces'), 'a note / with spaces');
    fc.assert(
      fc.property(fc.string(), (text) => {
        const once = normalised(text);
        assert.equal(normalised(once), once);
      }),
      { numRuns: 500 },
    );
  });
});
