/** Findings as evaluations read them: lines of sessions, lines of blind intervals. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coverageLines, PARTIAL, scoreLines } from '../../src/commands/findings.ts';
import type { CoverageGap, Detection } from '../../src/model/detection.ts';

const START = Date.UTC(2026, 2, 8);

const gap = (fromMs: number, toMs: number | null): CoverageGap => ({
  id: `gap-${fromMs}`,
  source: 'gateway',
  kind: 'gateway',
  fromMs,
  toMs,
  reason: 'silent',
  sessions: 3,
});

const detection = (id: string, rest: Partial<Detection> = {}): Detection => ({
  id,
  detector: 'unstated-action',
  family: 'intent',
  tool: null,
  strength: 'exact',
  version: '1',
  level: 'high',
  evidenceClass: 'hard',
  maturity: 'enforce',
  entity: { tenant: '-', agent: 'a', session: 's', role: null },
  seq: 4,
  timeMs: START,
  decidedMs: START,
  late: false,
  blind: [],
  witnesses: [],
  explanation: 'because',
  counterfactual: 'otherwise',
  tags: [],
  ...rest,
});

const none = { sessions: new Map<string, string>(), decisions: [], threshold: null };

describe('coverage lines', () => {
  it('a blind interval that still lasts ends where observation has got to, and says so', () => {
    assert.deepEqual(coverageLines([gap(START, null)], START + 3_600_000), [
      {
        source: 'gateway',
        from: '2026-03-08T00:00:00.000Z',
        to: '2026-03-08T01:00:00.000Z',
        reason: 'silent; it still lasts',
      },
    ]);
  });

  it('never ends before it began', () => {
    for (const untilMs of [null, START - 1])
      assert.equal(coverageLines([gap(START, null)], untilMs)[0]?.to, '2026-03-08T00:00:00.000Z');
  });

  it('come in the order of their beginnings', () => {
    const lines = coverageLines([gap(START + 5000, START + 6000), gap(START, START + 1000)], null);
    assert.deepEqual(
      lines.map(({ from, reason }) => [from, reason]),
      [
        ['2026-03-08T00:00:00.000Z', 'silent'],
        ['2026-03-08T00:00:05.000Z', 'silent'],
      ],
    );
  });
});

describe('session lines', () => {
  it('name every session, also those without a finding', () => {
    const [line] = scoreLines({ ...none, detections: [], sessions: new Map([['s', 'a']]) });
    assert.deepEqual([line?.session_id, line?.agent_id, line?.alerted], ['s', 'a', false]);
  });

  it('a finding whose session had a blind book is partial, with its detector beside it', () => {
    const [line] = scoreLines({ ...none, detections: [detection('1', { blind: ['reasoning'] })] });
    const [finding] = line?.findings ?? [];
    assert.deepEqual([finding?.class, finding?.detector], [PARTIAL, 'unstated-action']);
  });

  it('the first alert is the earliest in the order of the producer, not of arrival', () => {
    const detections = [detection('1', { seq: 9, timeMs: START - 1 }), detection('2', { seq: 2 })];
    const [line] = scoreLines({ ...none, detections });
    assert.equal(line?.first_alert_seq, 2);
    assert.deepEqual(
      line?.findings.map(({ seq }) => seq),
      [2, 9],
    );
  });

  it('rank behaviour by its margin, put other findings above it, and the unscored below', () => {
    const ids = ['calm', 'odd', 'caught', 'unscored'];
    const margins = new Map([
      ['calm', -3.5],
      ['odd', 0.25],
      ['caught', -3.5],
    ]);
    const of = (id: string, family: 'drift' | 'intent') =>
      detection(id, { family, entity: { tenant: '-', agent: 'a', role: null, session: id } });
    const detections = [of('odd', 'drift'), of('caught', 'intent')];
    const sessions = new Map(ids.map((id) => [id, 'a']));
    const lines = scoreLines({ ...none, sessions, detections, margins });
    const ranked = lines.toSorted((a, b) => a.score - b.score);
    assert.deepEqual(
      ranked.map(({ session_id: id, alerted }) => [id, alerted]),
      [
        ['unscored', false],
        ['calm', false],
        ['odd', true],
        ['caught', true],
      ],
    );
    for (const { score, alerted } of lines) assert.equal(score > 0, alerted);
  });
});
