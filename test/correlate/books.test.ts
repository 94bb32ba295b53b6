/** Books: when a missing witness is a finding, and when its book was blind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BookOptions, Books, type Settled } from '../../src/correlate/books.ts';
import { Slots } from '../../src/state/slots.ts';

const HOUR = 3_600_000;
const JOIN = 30_000;
const START = Date.UTC(2026, 0, 5);

const OPTIONS: BookOptions = {
  quietMaxMs: 24 * HOUR,
  blindSessions: 3,
  joinWindowMs: JOIN,
  name: 'gateway',
  expected: false,
};

/** A book that is told hour by hour what happened; each session acts once and is not seen. */
function story(options: BookOptions = OPTIONS) {
  const books = new Books(new Slots(), new Map([['gateway', options]]));
  const sessions: string[] = [];
  return {
    books,
    heard: (hour: number) => books.heard('gateway', START + hour * HOUR),
    unseen: (hour: number, session = `s${sessions.length}`) => {
      sessions.push(session);
      const ms = START + hour * HOUR;
      const gap = books.expect('gateway', ms);
      books.missed('gateway', gap, { session, act: 'a' }, ms + JOIN);
    },
    settle: (hour: number, final = false) => books.settle('gateway', START + hour * HOUR, final),
  };
}

const blindness = ({ verdicts }: Settled) =>
  verdicts.map(({ gap, blind }) => [gap.missing.length, blind]);

describe('a gap between two records', () => {
  for (const [unseen, blind] of [
    [1, false],
    [2, false],
    [3, true],
  ] as const)
    it(`with ${unseen} sessions unseen in a row is ${blind ? 'blind' : 'absence'}`, () => {
      const { heard, unseen: miss, settle } = story();
      heard(0);
      for (let at = 1; at <= unseen; at += 1) miss(at);
      heard(5);
      assert.deepEqual(blindness(settle(6)), [[unseen, blind]]);
    });

  it('is blind where it lasted longer than quietMax, even with one session unseen', () => {
    const { books, heard, unseen, settle } = story();
    heard(0);
    unseen(1);
    heard(24.1);
    const settled = settle(25);
    assert.deepEqual(blindness(settled), [[1, true]]);
    const [verdict] = settled.verdicts;
    assert.ok(verdict);
    const { reason } = books.coverage('gateway', verdict.gap, verdict.toMs);
    assert.equal(reason, 'no record for longer than 24 h while sessions acted');
  });

  it('counts sessions, not acts', () => {
    const { heard, unseen, settle } = story();
    heard(0);
    for (const hour of [1, 2, 3, 4]) unseen(hour, 'the same');
    heard(5);
    assert.deepEqual(blindness(settle(6)), [[4, false]]);
  });

  it('is not judged before the join window after it has passed', () => {
    const { books, heard, unseen } = story();
    heard(0);
    unseen(1);
    heard(2);
    const early = books.settle('gateway', START + 2 * HOUR + JOIN, false);
    assert.deepEqual(early.verdicts, []);
    assert.equal(early.again, START + 2 * HOUR + JOIN + 1);
  });

  it('is announced as soon as three sessions in a row were not seen, and stays blind', () => {
    const { books, heard, unseen, settle } = story();
    heard(0);
    for (const hour of [1, 2, 3]) unseen(hour);
    assert.equal(settle(4).announce.length, 1);
    assert.equal(books.blindNow('gateway'), true);
    heard(5);
    assert.deepEqual(blindness(settle(6)), [[3, true]]);
    assert.equal(books.blindNow('gateway'), false);
  });
});

describe('a gap with proof of life on one side only', () => {
  it('before the first word: one session unseen is absence', () => {
    const { heard, unseen, settle } = story();
    unseen(0);
    heard(1);
    assert.deepEqual(blindness(settle(2)), [[1, false]]);
  });

  it('before the first word: two sessions unseen are blindness, and it says why', () => {
    const { books, heard, unseen, settle } = story();
    unseen(0);
    unseen(1);
    assert.equal(settle(2).announce.length, 1);
    heard(3);
    const settled = settle(4);
    assert.deepEqual(blindness(settled), [[2, true]]);
    const [verdict] = settled.verdicts;
    assert.ok(verdict);
    const { reason } = books.coverage('gateway', verdict.gap, verdict.toMs);
    assert.match(reason, /had not spoken once/);
  });

  it('at the end of a recording: one is absence, two are blindness', () => {
    for (const [unseen, blind] of [
      [1, false],
      [2, true],
    ] as const) {
      const { heard, unseen: miss, settle } = story();
      heard(0);
      for (let at = 1; at <= unseen; at += 1) miss(at);
      assert.deepEqual(blindness(settle(3, true)), [[unseen, blind]]);
    }
  });

  it('a book that never spoke proves nothing', () => {
    const { unseen, settle } = story();
    unseen(0);
    assert.deepEqual(blindness(settle(1, true)), [[1, true]]);
  });
});

describe('a book whose rhythm is expected', () => {
  it('is announced when it falls silent, though nobody acts', () => {
    const { books, settle } = story({ ...OPTIONS, quietMaxMs: HOUR, expected: true });
    const due = books.heard('gateway', START);
    assert.equal(due, START + HOUR + 1);
    assert.equal(settle(0.5).announce.length, 0);
    settle(1.1);
    assert.equal(settle(1.2).announce.length + Number(books.blindNow('gateway')), 1);
    assert.equal(books.blindNow('gateway'), true);
  });

  it('is watched from the beginning of the stream on', () => {
    const { books, settle } = story({ ...OPTIONS, quietMaxMs: HOUR, expected: true });
    assert.deepEqual(books.begin(START), [['gateway', START + HOUR + 1]]);
    settle(1.1);
    settle(1.2);
    assert.equal(books.blindNow('gateway'), true);
  });
});

describe('an act', () => {
  it('whose witness came leaves nothing to judge', () => {
    const { books, heard, settle } = story();
    heard(0);
    books.found('gateway', books.expect('gateway', START + HOUR));
    heard(2);
    assert.deepEqual(settle(3), { verdicts: [], announce: [], again: null });
  });

  it('keeps its gap open until its own time is over', () => {
    const { books, heard, settle } = story();
    heard(0);
    const gap = books.expect('gateway', START + 2 * HOUR - 1);
    heard(2);
    const ms = START + 2 * HOUR + JOIN - 1;
    assert.equal(books.missed('gateway', gap, { session: 's', act: 'a' }, ms), ms + 2);
    assert.deepEqual(blindness(settle(3)), [[1, false]]);
  });

  it('waits for no book that absence says nothing of', () => {
    const { books } = story();
    assert.equal(books.judges('gateway'), true);
    assert.equal(books.judges('metrics'), false);
    assert.equal(books.heard('metrics', START), null);
    assert.deepEqual(books.settle('metrics', START, true).verdicts, []);
  });
});
