/** Every driver against a real counterpart that can lie: the promises of the contract. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVERS } from '../../src/act/act.ts';
import type { Driver } from '../../src/act/driver.ts';
import { createHttp } from '../../src/adapters/control-http.ts';
import type { ApplyOutcome, Prior } from '../../src/model/action-log.ts';
import type { Intention } from '../../src/model/decision.ts';
import { COUNTERPARTS, VARIANTS } from '../act/counterparts/all.ts';
import { type Counterpart, LIES, type Lie } from '../act/counterparts/counterpart.ts';
import { createVirtualClock, type VirtualClock } from '../sim/clock.ts';

/** A counterpart under test, with the request of its first lease and what a release needs. */
interface Case extends Counterpart {
  readonly clock: VirtualClock;
  readonly request: Intention;
  readonly release: Intention;
}
type Body = (c: Case) => Promise<void>;
type Check = (claim: string, body: Body) => void;
/** Whether a check speaks of a driver; what it does not promise is not asked of it. */
type When = (c: Counterpart) => boolean;

const DONE: readonly ApplyOutcome['type'][] = ['accepted', 'already'];

for (const [type, start] of Object.entries({ ...COUNTERPARTS, ...VARIANTS })) {
  const can = await probe(start);
  const check = (claim: string, body: Body) =>
    test(`driver ${type}: ${claim}`, async () => {
      const clock = createVirtualClock();
      const counterpart = await start({ http: createHttp(), clock });
      const request = counterpart.intention('L1');
      const release = counterpart.intention('L1', {
        step: 'release',
        cause: 'undone',
        grounds: null,
      });
      try {
        await body({ ...counterpart, clock, request, release });
      } finally {
        await counterpart.close();
      }
    });
  const where = (when: When): Check => (when(can) ? check : () => undefined);

  checkWords(check);
  checkEffect(check, where);
  checkUndo(where(isReversible));
  checkPrior(where((c) => c.driver.snapshot !== undefined));
  checkEnd(where((c) => isReversible(c) && c.driver.capabilities().selfExpiring));
  checkNoEnd(where((c) => isReversible(c) && !c.driver.capabilities().selfExpiring));
  checkReadBack(where((c) => c.driver.readBack !== undefined));
  checkRevert(where((c) => c.revert !== undefined));
  checkKeys(where((c) => c.remembersKeys && isReversible(c)));
  checkIrreversible(where((c) => c.driver.capabilities().irreversible.length > 0));
  checkLies((lie) => where((c) => c.lies.includes(lie)), check);
}

/** Facts that choose the checks are the driver's own; a target is started to ask it. */
async function probe(start: (typeof COUNTERPARTS)['webhook']): Promise<Counterpart> {
  const counterpart = await start({ http: createHttp(), clock: createVirtualClock() });
  await counterpart.close();
  return counterpart;
}

function isReversible(c: Counterpart): boolean {
  return !c.driver.capabilities().irreversible.includes(c.intention('L1').verb);
}

/** As the executor does it: what stood is read and kept before anything is sent. */
async function act(c: Counterpart, request: Intention): Promise<[ApplyOutcome, Prior | null]> {
  const prior = await priorOf(c.driver, request);
  return [await c.driver.apply(request, prior), prior];
}

async function priorOf(driver: Driver, request: Intention): Promise<Prior | null> {
  if (driver.snapshot === undefined) return null;
  const snapshot = await driver.snapshot(request);
  assert.equal(snapshot.type, 'prior', JSON.stringify(snapshot));
  return snapshot.type === 'prior' ? snapshot.prior : null;
}

function isDone(outcome: ApplyOutcome, why?: string): void {
  assert.ok(DONE.includes(outcome.type), `${why ?? ''} ${JSON.stringify(outcome)}`);
}

function checkWords(check: Check): void {
  check('it says what it can do, always the same, and no more than its kind can', async (c) => {
    const can = c.driver.capabilities();
    const { verbs } = DRIVERS[c.request.driver as keyof typeof DRIVERS];
    assert.ok(can.verbs.length > 0 && can.graceMs >= 0 && can.ratePerMin >= 1);
    for (const verb of can.verbs) assert.ok(verbs.includes(verb), verb);
    for (const verb of can.irreversible) assert.ok(can.verbs.includes(verb), verb);
    assert.ok(can.verbs.includes(c.request.verb));
    assert.deepEqual(c.driver.capabilities(), can);
    assert.equal(can.readBack, c.driver.readBack !== undefined);
  });
  check('a plan and a snapshot have no effect and show no secret', async (c) => {
    const before = c.everything();
    const prior = await priorOf(c.driver, c.request);
    const plan = c.driver.plan(c.request, prior);
    assert.ok(URL.canParse(plan.url) && !plan.url.includes('?'), plan.url);
    assert.equal(plan.undo !== null, isReversible(c));
    assert.ok(JSON.stringify(prior).length <= 16 * 1024);
    for (const shown of [JSON.stringify(plan), JSON.stringify(prior)])
      for (const secret of c.secrets) assert.ok(!shown.includes(secret), shown);
    assert.deepEqual([c.everything(), c.effects(), await c.stops()], [before, 0, false]);
  });
  check('no outcome shows a secret, whatever went wrong', async (c) => {
    const prior = await priorOf(c.driver, c.request);
    for (const mode of c.lies) {
      await c.lie(mode);
      const outcome = JSON.stringify(await c.driver.apply(c.request, prior));
      for (const secret of c.secrets) assert.ok(!outcome.includes(secret), outcome);
    }
  });
}

function checkEffect(check: Check, where: (when: When) => Check): void {
  check('apply twice is apply once', async (c) => {
    const [first, prior] = await act(c, c.request);
    assert.equal(first.type, 'accepted', JSON.stringify(first));
    assert.equal(await c.stops(), true);
    isDone(await c.driver.apply(c.request, prior));
    assert.deepEqual([c.effects(), await c.stops()], [1, true]);
  });
  check('it touches whom its blast says and nobody else', async (c) => {
    await act(c, c.request);
    const isWide = c.driver.capabilities().blast === 'tool-users';
    assert.equal(await c.stops('bystander'), isWide);
  });
  where((c) => c.unaddressable.length > 0)(
    'a subject it cannot address is refused with a reason, never widened',
    async (c) => {
      const before = c.everything();
      for (const change of c.unaddressable) {
        const stranger = c.intention('L2', change);
        const told = c.driver.snapshot === undefined ? null : await c.driver.snapshot(stranger);
        if (told !== null) assert.equal(told.type, 'refused', JSON.stringify([change, told]));
        const outcome = await c.driver.apply(stranger, null);
        assert.equal(outcome.type, 'refused', JSON.stringify([change, outcome]));
        assert.ok(outcome.detail.length > 10);
        assert.equal((await c.driver.readBack?.(stranger, null)) ?? 'unknown', 'unknown');
      }
      assert.deepEqual([c.everything(), c.effects()], [before, 0]);
    },
  );
  check('a name that an agent gave itself never chooses whom it touches', async (c) => {
    for (const name of [
      '../agent-7',
      'x/../../y',
      'a?b=c',
      'a#b',
      '',
      ' ',
      '%2e%2e%2f',
      'a\r\nx: y',
    ]) {
      const subject = { ...c.request.subject, agent: name, session: name, tools: [name] };
      const hostile = c.intention('L2', { subject });
      const told = await c.driver.snapshot?.(hostile);
      const prior = told?.type === 'prior' ? told.prior : null;
      const outcome = await c.driver.apply(hostile, prior);
      assert.ok([...DONE, 'refused'].includes(outcome.type), JSON.stringify([name, outcome]));
      assert.deepEqual([await c.stops(), await c.stops('bystander')], [false, false], name);
    }
  });
}

function checkUndo(check: Check): void {
  check('undo undoes, and undoing twice is undoing once', async (c) => {
    const [, prior] = await act(c, c.request);
    assert.equal((await c.driver.apply(c.release, prior)).type, 'accepted');
    assert.equal(await c.stops(), false);
    isDone(await c.driver.apply(c.release, prior));
    assert.deepEqual([c.effects(), await c.stops()], [2, false]);
  });
  check('undoing what was never sent is no failure and changes nothing', async (c) => {
    isDone(await c.driver.apply(c.release, null));
    assert.deepEqual([c.effects(), await c.stops()], [0, false]);
  });
  for (const order of [
    ['L1', 'L2'],
    ['L2', 'L1'],
  ])
    check(`two leases on one subject that end as ${order}: nothing of them is left`, async (c) => {
      const before = c.setting?.();
      const priors = new Map<string, Prior | null>();
      for (const leaseId of ['L1', 'L2']) {
        const [outcome, prior] = await act(c, c.intention(leaseId));
        isDone(outcome);
        priors.set(leaseId, prior);
      }
      assert.equal(await c.stops(), true);
      for (const leaseId of order) {
        const release = c.intention(leaseId, { step: 'release', cause: 'undone', grounds: null });
        isDone(await c.driver.apply(release, priors.get(leaseId) ?? null));
      }
      assert.deepEqual([await c.stops(), c.setting?.()], [false, before]);
    });
  check('a renewal keeps what stands', async (c) => {
    const [, prior] = await act(c, c.request);
    const expiresMs = c.clock.nowMs() + 1_800_000;
    isDone(await c.driver.apply(c.intention('L1', { step: 'renew', expiresMs }), prior));
    assert.equal(await c.stops(), true);
    isDone(await c.driver.apply(c.release, prior));
    assert.equal(await c.stops(), false);
  });
}

function checkPrior(check: Check): void {
  check('undo brings back exactly what stood', async (c) => {
    const before = c.setting?.();
    const [, prior] = await act(c, c.request);
    assert.notEqual(c.setting?.(), before);
    await c.driver.apply(c.release, prior);
    assert.ok(before !== undefined);
    assert.equal(c.setting?.(), before);
  });
  check('what stood before us stands after us', async (c) => {
    await c.preset?.();
    const before = c.setting?.();
    const [outcome, prior] = await act(c, c.request);
    isDone(outcome);
    isDone(await c.driver.apply(c.release, prior));
    assert.equal(c.setting?.(), before);
    assert.equal(await c.stops(), true);
  });
  check('undo leaves what somebody else has changed meanwhile, and says so', async (c) => {
    const [, prior] = await act(c, c.request);
    await c.meddle?.();
    const theirs = c.setting?.();
    const outcome = await c.driver.apply(c.release, prior);
    assert.equal(outcome.type, 'already');
    assert.match(outcome.detail, /no longer ours/);
    assert.equal(c.setting?.(), theirs);
  });
  check('what stood cannot be read: a retry, and nothing is sent', async (c) => {
    await c.lie('fail');
    assert.equal((await c.driver.snapshot?.(c.request))?.type, 'retry');
    assert.equal(c.effects(), 0);
  });
  check('a repeat of the request after a crash keeps the first word of what stood', async (c) => {
    const before = c.setting?.();
    const [, prior] = await act(c, c.request);
    isDone(await c.driver.apply(c.request, prior));
    isDone(await c.driver.apply(c.release, prior));
    assert.equal(c.setting?.(), before);
  });
}

function checkEnd(check: Check): void {
  check('a lease ends at its time; a renewal moves that time', async (c) => {
    const startMs = c.clock.nowMs();
    await act(c, c.intention('L1', { expiresMs: startMs + 10_000 }));
    await c.clock.advance(9_000);
    const renewal = c.intention('L1', { step: 'renew', expiresMs: startMs + 20_000 });
    isDone(await c.driver.apply(renewal, null));
    await c.clock.advance(10_999);
    assert.equal(await c.stops(), true);
    await c.clock.advance(1);
    assert.equal(await c.stops(), false);
  });
}

function checkNoEnd(check: Check): void {
  check('it does not end by itself, as it says: only the release ends it', async (c) => {
    const [, prior] = await act(c, c.intention('L1', { expiresMs: c.clock.nowMs() + 10_000 }));
    await c.clock.advance(86_400_000);
    assert.equal(await c.stops(), true);
    await c.driver.apply(c.release, prior);
    assert.equal(await c.stops(), false);
  });
}

function checkReadBack(check: Check): void {
  check('asked, it says whether it stands', async (c) => {
    const before = await priorOf(c.driver, c.request);
    assert.equal(await c.driver.readBack?.(c.request, before), 'absent');
    const [, prior] = await act(c, c.request);
    assert.equal(await c.driver.readBack?.(c.request, prior), 'applied');
    if (!isReversible(c)) return;
    await c.driver.apply(c.release, prior);
    assert.equal(await c.driver.readBack?.(c.request, prior), 'absent');
  });
  check('a target that does not answer is one that nothing is known of', async (c) => {
    const [, prior] = await act(c, c.request);
    await c.lie('fail');
    assert.equal(await c.driver.readBack?.(c.request, prior), 'unknown');
    await c.close();
    assert.equal(await c.driver.readBack?.(c.request, prior), 'unknown');
  });
}

function checkRevert(check: Check): void {
  check('reverted by somebody else: the target says absent, where it can be asked', async (c) => {
    const [, prior] = await act(c, c.request);
    await c.revert?.();
    assert.equal(await c.stops(), false);
    if (c.driver.readBack !== undefined)
      assert.equal(await c.driver.readBack(c.request, prior), 'absent');
    const outcome = await c.driver.apply(c.release, prior);
    isDone(outcome);
    assert.equal(await c.stops(), false);
  });
}

function checkKeys(check: Check): void {
  check('a late repeat of the request does not revive what was undone', async (c) => {
    const [, prior] = await act(c, c.request);
    await c.driver.apply(c.release, prior);
    assert.equal((await c.driver.apply(c.request, prior)).type, 'already');
    const renewal = c.intention('L1', { step: 'renew', expiresMs: c.clock.nowMs() + 9e6 });
    assert.equal((await c.driver.apply(renewal, prior)).type, 'refused');
    assert.equal(await c.stops(), false);
  });
}

function checkIrreversible(check: Check): void {
  check('irreversible means: no end, and no undo in the plan', async (c) => {
    const [verb] = c.driver.capabilities().irreversible;
    assert.ok(verb !== undefined);
    const revoke = c.intention('L1', { verb, expiresMs: null });
    const [outcome, prior] = await act(c, revoke);
    assert.equal(outcome.type, 'accepted', JSON.stringify(outcome));
    assert.equal(c.driver.plan(revoke, prior).undo, null);
    await c.clock.advance(86_400_000);
    assert.equal(await c.stops(), true);
  });
}

function checkLies(told: (lie: Lie) => Check, check: Check): void {
  check('every lie its target can tell is one of the list', async (c) => {
    for (const lie of c.lies) assert.ok(LIES.includes(lie));
    assert.equal(new Set(c.lies).size, c.lies.length);
  });
  told('lose-reply')('lost reply: unknown, and the same key again settles it', async (c) => {
    const prior = await priorOf(c.driver, c.request);
    await c.lie('lose-reply');
    assert.equal((await c.driver.apply(c.request, prior)).type, 'unknown');
    // Where it takes several requests, the first lost answer is the last thing that happened.
    assert.equal(await c.stops(), c.effects() === 1);
    await c.lie('honest');
    isDone(await c.driver.apply(c.request, prior));
    assert.deepEqual([c.effects(), await c.stops()], [1, true]);
  });
  told('fail')('503: a retry, nothing done; the same key works later', async (c) => {
    const prior = await priorOf(c.driver, c.request);
    await c.lie('fail');
    assert.equal((await c.driver.apply(c.request, prior)).type, 'retry');
    assert.deepEqual([c.effects(), await c.stops()], [0, false]);
    await c.lie('honest');
    assert.equal((await c.driver.apply(c.request, prior)).type, 'accepted');
    assert.deepEqual([c.effects(), await c.stops()], [1, true]);
  });
  told('refuse')('refused: final, with the alarm that says why; nothing done', async (c) => {
    const prior = await priorOf(c.driver, c.request);
    await c.lie('refuse');
    const outcome = await c.driver.apply(c.request, prior);
    assert.equal(outcome.type, 'refused');
    assert.match(outcome.detail, /^ControlAuth: /);
    assert.deepEqual([c.effects(), await c.stops()], [0, false]);
  });
  told('ignore')('accepted and ignored: believed until asked, and it stops nothing', async (c) => {
    const prior = await priorOf(c.driver, c.request);
    await c.lie('ignore');
    assert.equal((await c.driver.apply(c.request, prior)).type, 'accepted');
    assert.deepEqual([c.effects(), await c.stops()], [0, false]);
    if (c.driver.readBack !== undefined)
      assert.equal(await c.driver.readBack(c.request, prior), 'absent');
  });
  told('serve-on')('done and served on: the target’s word is no proof', async (c) => {
    const prior = await priorOf(c.driver, c.request);
    await c.lie('serve-on');
    assert.equal((await c.driver.apply(c.request, prior)).type, 'accepted');
    assert.equal(await c.stops(), false);
    if (c.driver.readBack !== undefined)
      assert.equal(await c.driver.readBack(c.request, prior), 'applied');
    await c.lie('honest');
    assert.equal(await c.stops(), true);
  });
  told('slow')('too slow: unknown; it was done after all, and once', async (c) => {
    const prior = await priorOf(c.driver, c.request);
    await c.lie('slow');
    assert.equal((await c.driver.apply(c.request, prior)).type, 'unknown');
    await c.lie('honest');
    isDone(await c.driver.apply(c.request, prior));
    assert.deepEqual([c.effects(), await c.stops()], [1, true]);
  });
  told('approval')('approval wanted: pending, nothing done', async (c) => {
    const prior = await priorOf(c.driver, c.request);
    await c.lie('approval');
    assert.equal((await c.driver.apply(c.request, prior)).type, 'pending_approval');
    assert.deepEqual([c.effects(), await c.stops()], [0, false]);
  });
  told('fail')('gone: a retry', async (c) => {
    const prior = await priorOf(c.driver, c.request);
    await c.close();
    assert.equal((await c.driver.apply(c.request, prior)).type, 'retry');
  });
}
