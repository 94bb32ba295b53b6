/** The drift ledger: many small steps hit the cap before the profile has moved by more than it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  driftBits,
  isOutlier,
  LEDGER_CAP_BITS,
  ledgerAfter,
  ledgerRecord,
  rawDriftBits,
  understated,
} from '../../src/baseline/ledger.ts';
import { stream, uniform } from '../../src/simulation/random.ts';
import { jensenShannonBits } from '../../src/stats/jensen-shannon.ts';

/** A role that drifts from one habit to another: at 0 all the old one, at 1 all the new one. */
const habit = (moved: number, n = 20_000): Map<string, number> =>
  new Map([
    ['read', Math.round(n * 0.4)],
    ['old', Math.round(n * 0.6 * (1 - moved))],
    ['new', Math.round(n * 0.6 * moved)],
  ]);

/** Promotes step after step as long as no full re-approval is asked for. */
const walk = (steps: number, isWithAnchor: boolean, draw = habit) => {
  const anchor = draw(0);
  let inForce = anchor;
  let ledger: Record<string, number> = {};
  let [promotions, naive] = [0, 0];
  for (let at = 1; at <= steps; at += 1) {
    const next = draw(at / steps);
    const stepBits = driftBits(inForce, next);
    const rawBits = rawDriftBits(inForce, next);
    const anchorBits = isWithAnchor ? driftBits(anchor, next) : null;
    const rows = ledgerAfter(ledger, [{ dimension: 'mix', stepBits, rawBits, anchorBits }]);
    if (rows[0]?.isOver === true) break;
    naive += stepBits;
    ledger = ledgerRecord(rows);
    inForce = next;
    promotions += 1;
    assert.ok(driftBits(anchor, inForce) <= LEDGER_CAP_BITS, `${at} of ${steps}`);
  }
  return { promotions, naive, moved: jensenShannonBits(anchor, inForce, 0) };
};

describe('slow drift', () => {
  it('hits the cap before it has moved the profile by more, in however many steps', (t) => {
    for (const steps of [2, 5, 10, 30, 100, 300]) {
      const known = walk(steps, true);
      const unknown = walk(steps, false);
      t.diagnostic(
        `${steps} steps: stopped after ${known.promotions}, moved ${known.moved.toFixed(3)} bits, sum of steps ${known.naive.toFixed(4)}; without the anchor after ${unknown.promotions}`,
      );
      assert.ok(known.promotions < steps && unknown.promotions < steps);
      assert.ok(known.moved <= LEDGER_CAP_BITS + 1e-3 && unknown.moved <= LEDGER_CAP_BITS + 1e-3);
      assert.ok(unknown.promotions <= known.promotions);
    }
    // What the sum alone would have let through: the whole way, for next to nothing.
    assert.ok(walk(100, true).naive < 0.05);
    assert.ok(jensenShannonBits(habit(0), habit(1), 0) > LEDGER_CAP_BITS);
  });

  it('is not hidden behind a crowd of symbols that occur once', () => {
    const crowded = (moved: number): Map<string, number> => {
      const counts = habit(moved, 4000);
      for (let at = 0; at < 1000; at += 1) counts.set(`once-${moved}-${at}`, 1);
      return counts;
    };
    const { promotions, moved } = walk(40, true, crowded);
    assert.ok(promotions < 40, `${promotions}`);
    // Had every symbol that occurs once been allowed for, nearly a third of a bit would be hidden.
    assert.ok(moved - 0.2 <= LEDGER_CAP_BITS && driftBits(crowded(0), crowded(1)) > 0.4);
  });

  it('is next to none where nothing changed: twelve honest promotions stay far below the cap', (t) => {
    const random = stream(3, 'ledger');
    const sample = (): Map<string, number> => {
      const counts = new Map<string, number>();
      for (let at = 0; at < 3000; at += 1) {
        // 400 symbols with a long tail, as sequences have them.
        const symbol = `s${Math.floor(400 * uniform(random) ** 3)}`;
        counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
      }
      return counts;
    };
    const anchor = sample();
    let inForce = anchor;
    let ledger: Record<string, number> = {};
    let raw = 0;
    for (let month = 0; month < 12; month += 1) {
      const next = sample();
      const step = {
        stepBits: driftBits(inForce, next),
        rawBits: rawDriftBits(inForce, next),
        anchorBits: driftBits(anchor, next),
      };
      raw += jensenShannonBits(inForce, next);
      ledger = ledgerRecord(ledgerAfter(ledger, [{ dimension: 'sequence', ...step }]));
      inForce = next;
    }
    t.diagnostic(
      `${ledger['sequence']} bits in the ledger; raw divergences sum to ${raw.toFixed(3)}`,
    );
    assert.ok((ledger['sequence'] ?? 1) < 0.1 * LEDGER_CAP_BITS);
    assert.ok(raw > LEDGER_CAP_BITS / 2);
  });
});

describe('the ledger', () => {
  it('never shrinks, and says where a document states less than there is', () => {
    const bits = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(bits, bits, fc.option(bits), (before, stepBits, anchorBits) => {
        const [row] = ledgerAfter({ mix: before }, [
          { dimension: 'mix', stepBits, rawBits: stepBits, anchorBits },
        ]);
        assert.ok(row !== undefined && row.afterBits >= before + stepBits);
        assert.equal(row.isOver, row.afterBits > LEDGER_CAP_BITS);
        assert.deepEqual(understated(ledgerRecord([row]), [row]), []);
        assert.equal(understated({}, [row]).length, row.afterBits > 1e-6 ? 1 : 0);
      }),
    );
    const rows = ledgerAfter({}, [
      { dimension: 'b', stepBits: 0.1, rawBits: 0.1, anchorBits: 0 },
      { dimension: 'a', stepBits: 0, rawBits: 0, anchorBits: 0.2 },
    ]);
    assert.equal(JSON.stringify(ledgerRecord(rows)), '{"a":0.2,"b":0.1}');
  });

  it('measures nothing against nothing, and everything against nothing', () => {
    assert.equal(driftBits(new Map(), new Map()), 0);
    assert.equal(driftBits(new Map(), new Map([['a', 1]])), 1);
    assert.equal(driftBits(habit(0.5), habit(0.5)), 0);
  });
});

describe('the peer check', () => {
  it('asks for a second person where an agent lies beyond its peers', () => {
    const otherBits = Array.from({ length: 200 }, (_, at) => at / 1000);
    assert.equal(isOutlier({ ownBits: 0.197, otherBits }), false);
    assert.equal(isOutlier({ ownBits: 0.198, otherBits }), true);
    assert.equal(isOutlier({ ownBits: 0.1, otherBits: [0.2, 0.05] }), false);
    assert.equal(isOutlier({ ownBits: 0, otherBits: [] }), true);
  });
});
