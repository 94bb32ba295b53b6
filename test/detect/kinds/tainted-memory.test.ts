/** Tainted memory: from a stranger's text, by way of a memory, into another session. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_INVENTORY } from '../../../src/baseline/inventory.ts';
import { taintedMemory } from '../../../src/detect/kinds/tainted-memory.ts';
import type { Reasoning } from '../../../src/model/event-reasoning.ts';
import type { EventFact, SessionView } from '../../../src/model/fact.ts';
import { Slots } from '../../../src/state/slots.ts';
import { eventOf } from '../../correlate/events.ts';
import { known } from '../../correlate/known.ts';

type Trust = 'trusted' | 'untrusted' | 'unknown';

/** Uses memories; answers the finding's labels of time, or null. */
function lab(within = '1h') {
  const slots = new Slots();
  const evicted: string[] = [];
  const compile = () =>
    taintedMemory.compile(
      { within },
      {
        stem: 'x',
        scope: 'x',
        slots,
        inventory: EMPTY_INVENTORY,
        evicted: (_subject, detail) => evicted.push(detail),
      },
    );
  let see = compile();
  const use = (
    seconds: number,
    session: string,
    op: 'read' | 'write' | 'delete',
    trust: readonly Trust[] | null = null,
    { id = 'm', tenant = '-', agent = 'a' } = {},
  ) => {
    const reasoning: Reasoning = {
      intents: [],
      claims: [],
      memory: { op, id },
      ...(trust === null ? {} : { context: { documents: trust.map((one) => ({ trust: one })) } }),
    };
    const view: SessionView = {
      ...{ tenant, id: session, agent, ownedBy: 'witness', role: null },
      ...{ openedMs: null, closedMs: null, parent: null, blind: [] },
    };
    const fact: EventFact = {
      type: 'event',
      event: eventOf({ ms: seconds * 1000, body: { reasoning, agent: { id: agent } } }),
      session: view,
      ...{ tenant, agent, role: null },
      ...{ argsDigest: null, toolClass: null, granted: null, ours: false, model: null },
      late: false,
      ...known(),
    };
    return see(fact)?.said.map(({ witness }) => witness.ms / 1000) ?? null;
  };
  /** Nothing is known any more but what lies in the slots. */
  const again = () => {
    see = compile();
    return { use };
  };
  return { use, slots, evicted, again };
}

describe('tainted-memory', () => {
  it('names the write and the read by another session', () => {
    const { use } = lab();
    assert.equal(use(0, 's', 'write', ['trusted', 'untrusted']), null);
    assert.equal(use(5, 's', 'read'), null, 'its own scratch pad');
    assert.deepEqual(use(9, 't', 'read'), [0, 9]);
  });

  it('tells each reading session once, and at most sixteen', () => {
    const { use } = lab();
    use(0, 's', 'write', ['untrusted']);
    const told = Array.from({ length: 40 }, (_, n) => use(n + 1, `t${n % 20}`, 'read') !== null);
    assert.equal(told.filter(Boolean).length, 16);
    assert.ok(told.slice(0, 16).every(Boolean));
  });

  it('does not mind who read it before', () => {
    const { use } = lab();
    assert.equal(use(0, 't', 'read'), null);
    use(1, 's', 'write', ['untrusted']);
    assert.deepEqual(use(2, 't', 'read'), [1, 2]);
  });

  it('is cleaned by deletion and by trusted text alone', () => {
    for (const [clean, trust, silent] of [
      ['delete', null, true],
      ['write', ['trusted'], true],
      ['write', ['trusted', 'unknown'], false],
      ['write', [], false],
      ['write', null, false],
    ] as const) {
      const { use } = lab();
      use(0, 's', 'write', ['untrusted']);
      use(1, 'u', clean, trust);
      assert.equal(use(2, 't', 'read') === null, silent, `${clean} ${String(trust)}`);
    }
  });

  it('looks back as far as it is told, and never ahead', () => {
    const { use } = lab();
    use(100, 's', 'write', ['untrusted']);
    assert.equal(use(99, 'u', 'read'), null);
    assert.equal(use(3701, 'v', 'read'), null);
    assert.deepEqual(use(3700, 't', 'read'), [100, 3700]);
  });

  it('keeps memories and tenants apart', () => {
    const { use } = lab();
    use(0, 's', 'write', ['untrusted']);
    assert.equal(use(1, 't', 'read', null, { id: 'n' }), null);
    assert.equal(use(1, 't', 'read', null, { tenant: 'else' }), null);
  });

  it('lets one that taints many push out nothing but its own, and says so', () => {
    const { use, slots, evicted } = lab();
    use(0, 's', 'write', ['untrusted'], { id: 'slow' });
    for (let n = 0; n < 3000; n += 1)
      use(n, 's', 'write', ['untrusted'], { id: `m${n}`, agent: 'noisy' });
    assert.equal(evicted.length, 2000);
    assert.equal([...slots.all()].length, 1001);
    assert.deepEqual(use(3001, 't', 'read', null, { id: 'slow' }), [0, 3001]);
    assert.deepEqual(use(3001, 't', 'read', null, { id: 'm2999' }), [2999, 3001]);
    assert.equal(use(3001, 't', 'read', null, { id: 'm1' }), null);
  });

  it('forgets the oldest that nobody read where many taint many, also after a restore', () => {
    for (const isRestored of [false, true]) {
      const { use, slots, evicted, again } = lab();
      const write = (n: number) =>
        use(n, 's', 'write', ['untrusted'], { id: `m${n}`, agent: `a${n % 200}` });
      for (let n = 0; n < 100_000; n += 1) write(n);
      use(3600, 't', 'read', null, { id: 'm0' });
      const { use: then } = isRestored ? again() : { use };
      for (let n = 0; n < 5; n += 1)
        then(100_000 + n, 's', 'write', ['untrusted'], { id: `n${n}`, agent: `b${n}` });
      assert.equal(evicted.length, 5);
      assert.equal([...slots.all()].length, 100_000);
      const kept = new Set([...slots.all()].map(([, key]) => key));
      assert.ok(kept.has('1:- -:/m0'));
      for (let n = 1; n < 6; n += 1) assert.ok(!kept.has(`1:- -:/m${n}`), `m${n}`);
    }
  });
});
