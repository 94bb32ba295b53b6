/** Cases: what belongs together meets in one, folds and is counted; worse news breaks through. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Detection } from '../../src/model/detection.ts';
import { caseIdOf, createCasebook, type Told } from '../../src/score/case.ts';
import { Slots } from '../../src/state/slots.ts';
import { detectionOf, T0 } from '../decide/findings.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 86_400_000;
const nobody = () => assert.fail('nothing is evicted');

function lab(slots = new Slots(), size = 0) {
  const book = createCasebook(slots, nobody);
  const sizes = { roles: { clerk: size } };
  const add = (changes: Partial<Detection>) => book.add(detectionOf(changes), { sizes, risk: 40 });
  return { slots, book, add };
}

const alone = { tenant: '-', agent: 'a', role: 'clerk', session: null };
const own = (told: Told) => told.cases.at(-1);
const whys = (told: Pick<Told, 'announcements'>) => told.announcements.map(({ why }) => why);
const of = (agent: string, more: Partial<Detection> = {}): Partial<Detection> => ({
  entity: { tenant: '-', agent, role: 'clerk', session: `s-${agent}` },
  id: `d-${agent}-${more.timeMs ?? T0}`,
  ...more,
});

describe('case', () => {
  it('is one for a session, and one a day for an agent without', () => {
    const id = (changes: Partial<Detection>) => caseIdOf(detectionOf(changes));
    assert.equal(id({ timeMs: T0 }), id({ timeMs: T0 + 3 * DAY, detector: 'other' }));
    assert.equal(id({ entity: alone }), id({ entity: alone, timeMs: T0 + 1000 }));
    assert.notEqual(id({ entity: alone }), id({ entity: alone, timeMs: T0 + DAY }));
    assert.notEqual(id({}), id({ entity: { ...alone, session: 's', tenant: 'other' } }));
  });

  it('grows, and bears the title and level of the worst', () => {
    const { add } = lab();
    const first = own(add({ id: '1', level: 'medium', timeMs: T0 + 5000 }));
    assert.deepEqual([first?.level, first?.count], ['medium', 1]);
    add({ id: '2', level: 'critical', detector: 'identity-mismatch', timeMs: T0 + 9000 });
    const third = own(add({ id: '3', level: 'low', detector: 'call-burst', timeMs: T0 }));
    assert.deepEqual([third?.level, third?.count], ['critical', 3]);
    assert.match(third?.title ?? '', /^identity-mismatch: a in session s$/);
    assert.deepEqual([third?.openedMs, third?.lastMs], [T0, T0 + 9000]);
    assert.deepEqual(third?.detections, ['1', '2', '3']);
    assert.deepEqual([third?.state, third?.risk], ['open', 40]);
  });

  it('lists 256 findings and 100 witnesses, and counts them all', () => {
    const { add } = lab();
    const witness = { ...witnessOf('w'), seq: null };
    let last: Told | null = null;
    for (let n = 0; n < 300; n += 1)
      last = add({ id: String(n), witnesses: [{ ...witness, eventId: `e${n}` }] });
    const one = last === null ? undefined : own(last);
    assert.deepEqual([one?.count, one?.detections.length], [300, 256]);
    const [fold] = one?.folds ?? [];
    assert.deepEqual([fold?.count, fold?.evidence.length, fold?.evidenceTotal], [300, 100, 300]);
  });

  it('is not changed by what is done with the copy', () => {
    const { add } = lab();
    const first = own(add({ id: '1' }));
    assert.ok(first?.folds[0] !== undefined);
    (first.detections as string[]).push('forged');
    (first.folds[0].evidence as string[]).push('forged');
    const second = own(add({ id: '2' }));
    assert.deepEqual(second?.detections, ['1', '2']);
    assert.deepEqual(second?.folds[0]?.evidence, []);
  });
});

describe('case: what people hear', () => {
  it('hears of the first, and not of what repeats', () => {
    const { add } = lab();
    assert.deepEqual(whys(add({ id: '1' })), ['opened']);
    assert.deepEqual(whys(add({ id: '2', timeMs: T0 + MINUTE })), []);
    const third = own(add({ id: '3', timeMs: T0 + 2 * MINUTE }));
    const [fold] = third?.folds ?? [];
    assert.deepEqual([fold?.count, fold?.firstSeenMs, fold?.lastSeenMs], [3, T0, T0 + 2 * MINUTE]);
  });

  it('hears of another detector, a worse level and more power', () => {
    const { add } = lab();
    add({ id: '1', maturity: 'alert', level: 'medium' });
    assert.deepEqual(whys(add({ id: '2', detector: 'x', maturity: 'alert', level: 'low' })), [
      'detector',
    ]);
    assert.deepEqual(whys(add({ id: '3', maturity: 'alert', level: 'high' })), ['level']);
    assert.deepEqual(whys(add({ id: '4', maturity: 'enforce', level: 'low' })), ['maturity']);
    assert.deepEqual(whys(add({ id: '5', maturity: 'enforce', level: 'high' })), []);
  });

  it('hears again of what goes on for four hours', () => {
    const { add } = lab();
    const heard: number[] = [];
    for (let n = 0; n <= 18; n += 1)
      if (whys(add({ id: `${n}`, timeMs: T0 + n * 30 * MINUTE })).includes('repeat')) heard.push(n);
    assert.deepEqual(heard, [8, 16]);
  });

  it('resolves after an hour of quiet, once, and opens again', () => {
    const { add, book } = lab();
    const first = add({ id: '1' });
    add({ id: '2', timeMs: T0 + 30 * MINUTE });
    assert.deepEqual(whys(book.passTime(T0 + HOUR + 30 * MINUTE - 1)), []);
    const quiet = book.passTime(T0 + HOUR + 30 * MINUTE);
    assert.deepEqual([whys(quiet), quiet.cases[0]?.state], [['resolved'], 'resolved']);
    assert.deepEqual(whys(book.passTime(T0 + 9 * HOUR)), []);
    const back = add({ id: '3', timeMs: T0 + 10 * HOUR });
    assert.deepEqual(
      [whys(back), own(back)?.state, own(back)?.reopened],
      [['reopened'], 'open', 1],
    );
    assert.equal(back.caseId, first.caseId);
    assert.deepEqual(whys(book.passTime(T0 + 11 * HOUR)), ['resolved']);
  });

  it('goes on after a restart, deadlines too', () => {
    const { slots, add } = lab();
    add({ id: '1' });
    const restored = new Slots();
    restored.restore([], [{ seq: 1, bytes: slots.takeDelta() as Buffer }]);
    const again = lab(restored);
    for (const _step of again.book.restoring());
    assert.equal(own(again.add({ id: '2', timeMs: T0 + MINUTE }))?.count, 2);
    assert.deepEqual(whys(again.book.passTime(T0 + HOUR + MINUTE)), ['resolved']);
  });
});

describe('case: the fleet', () => {
  it('is one case for two hundred agents that fire alike', () => {
    const { add, book } = lab(new Slots(), 200);
    const told = Array.from({ length: 200 }, (_, n) => add(of(`a${n}`, { timeMs: T0 + n * 1000 })));
    const announced = told.flatMap(whys);
    assert.equal(announced.filter((why) => why === 'opened').length, 59);
    assert.deepEqual(
      announced.filter((why) => why !== 'opened'),
      ['fleet'],
    );
    const fleet = told.at(-1);
    assert.deepEqual(fleet?.shared, { agents: 200, of: 200 });
    const one = fleet === undefined ? undefined : own(fleet);
    assert.deepEqual([one?.count, one?.entity.agent, one?.state], [200, '*', 'open']);
    assert.equal(
      one?.folds.reduce((sum, fold) => sum + fold.count, 0),
      200,
    );
    assert.ok((one?.folds.length ?? 0) <= 64);
    const folded = new Map(told.flatMap(({ cases }) => cases).map((each) => [each.id, each]));
    const states = [...folded.values()].map(({ state }) => state);
    assert.equal(states.filter((state) => state === 'folded').length, 59);
    assert.equal(states.filter((state) => state === 'open').length, 1);
    // What was told by itself before it was the fleet's is not said to be resolved.
    assert.deepEqual(whys(book.passTime(T0 + 3 * HOUR)), ['resolved']);
  });

  it('takes three at least, a third of the role, one detector and one hour', () => {
    const shared = (size: number, of3: (n: number) => Partial<Detection>) => {
      const { add } = lab(new Slots(), size);
      return [0, 1, 2].map((n) => add(of3(n)).shared !== null);
    };
    const plain = (n: number) => of(`a${n}`, { timeMs: T0 + n });
    assert.deepEqual(shared(10, plain), [false, false, true]);
    assert.deepEqual(shared(11, plain), [false, false, false]);
    assert.deepEqual(
      shared(3, (n) => ({ ...plain(n), detector: `d${n}` })),
      [false, false, false],
    );
    const slow = (n: number) => of(`a${n}`, { timeMs: T0 + n * 30 * MINUTE });
    assert.deepEqual(shared(3, slow), [false, false, false]);
    const noRole = (n: number): Partial<Detection> => ({
      id: `d${n}`,
      entity: { tenant: '-', agent: `a${n}`, role: null, session: null },
    });
    assert.deepEqual(shared(3, noRole), [false, false, false]);
  });

  it('leaves a case that holds something else alone, and ends after an hour of quiet', () => {
    const { add } = lab(new Slots(), 3);
    const first = add(of('a0'));
    add(of('a0', { id: 'other', detector: 'call-burst', timeMs: T0 + 1 }));
    add(of('a1', { timeMs: T0 + 2 }));
    const made = add(of('a2', { timeMs: T0 + 3 }));
    const states = made.cases.map(({ id, state }) => [id === first.caseId, state]);
    assert.deepEqual(states, [
      [false, 'folded'],
      [false, 'open'],
    ]);
    const later = add(of('a0', { timeMs: T0 + 2 * HOUR }));
    assert.equal(later.shared, null);
    assert.equal(later.caseId, first.caseId);
  });

  it('hears of the fleet again when it gets worse', () => {
    const { add } = lab(new Slots(), 3);
    for (const n of [0, 1, 2]) add(of(`a${n}`, { timeMs: T0 + n, level: 'medium' }));
    assert.deepEqual(whys(add(of('a3', { timeMs: T0 + 4, level: 'medium' }))), []);
    assert.deepEqual(whys(add(of('a4', { timeMs: T0 + 5, level: 'critical' }))), ['level']);
  });

  it('has one deadline, however often it grows, and is resolved an hour after it last grew', () => {
    const { add, book } = lab();
    for (let n = 0; n < 100; n += 1)
      add({ id: String(n), timeMs: T0 + n * MINUTE, decidedMs: T0 + n * MINUTE });
    const lastMs = T0 + 99 * MINUTE;
    let looks = 0;
    for (let at = book.nextMs(); at !== undefined && at < lastMs + HOUR; at = book.nextMs()) {
      assert.deepEqual(book.passTime(at).cases, []);
      looks += 1;
    }
    assert.equal(looks, 1);
    assert.deepEqual(whys(book.passTime(lastMs + HOUR)), ['resolved']);
    assert.equal(book.nextMs(), undefined);
    // Opened again it has one again.
    add({ id: 'again', timeMs: T0 + DAY, decidedMs: T0 + DAY });
    assert.equal(book.nextMs(), T0 + DAY + HOUR);
  });
});

function witnessOf(eventId: string): Detection['witnesses'][number] {
  const position = { topic: 'gateway', partition: 0, offset: 0, index: 0 };
  return { eventId, kind: 'gateway', position, timeMs: T0, seq: 1, says: 'called a tool' };
}
