/** Tests of evidence levels: hours of event time, falls of the usual level, and bounds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLevels } from '../../src/correlate/levels.ts';
import { EVIDENCE_LEVELS, type Event, type EvidenceLevel } from '../../src/model/event.ts';
import { Slots } from '../../src/state/slots.ts';

const HOUR = 3_600_000;

function measuring(slots = new Slots()) {
  const said: string[] = [];
  const levels = createLevels(slots, (code, subject, detail, ms) => {
    said.push(`${code} ${subject} at ${ms / HOUR}h: ${detail}`);
  });
  /** `count` calls of one agent in an hour. */
  const speak = (hour: number, level: EvidenceLevel, count: number, more: Partial<Seen> = {}) => {
    const { agent = 'a', source = 'gw', late = false, category = 'tool_call' } = more;
    for (let n = 0; n < count; n += 1)
      levels.see(
        {
          ...{ kind: 'gateway', category, src: { name: source } },
          ...{ time: { eventMs: hour * HOUR + n }, evidence: { level } },
        } as Event,
        '-',
        agent,
        late,
      );
  };
  return { said, speak, levels };
}

interface Seen {
  readonly agent: string;
  readonly source: string;
  readonly late: boolean;
  readonly category: string;
}

describe('a completed hour', () => {
  it('is told with its counts, of each source and agent', () => {
    const { speak, levels } = measuring();
    speak(5, 'L2', 3);
    speak(5, 'L0', 1, { agent: 'b' });
    assert.deepEqual(levels.takeWindows(), []);
    speak(6, 'L2', 1);
    assert.deepEqual(levels.takeWindows(), [
      { source: 'gw', tenant: '-', agent: 'a', hourMs: 5 * HOUR, counts: [0, 0, 3, 0] },
    ]);
    speak(8, 'L0', 1, { agent: 'b' });
    assert.deepEqual(levels.takeWindows(), [
      { source: 'gw', tenant: '-', agent: 'b', hourMs: 5 * HOUR, counts: [1, 0, 0, 0] },
    ]);
  });

  it('leaves out what comes late, and records that carry no content anyway', () => {
    const { speak, levels } = measuring();
    speak(5, 'L2', 2);
    speak(5, 'L0', 9, { late: true });
    speak(5, 'L0', 9, { category: 'list' });
    speak(6, 'L2', 1);
    assert.deepEqual(levels.takeWindows()[0]?.counts, [0, 0, 2, 0]);
  });
});

describe('a fall of the usual level', () => {
  it('is said once, of the source, at the end of the hour that fell', () => {
    const { said, speak } = measuring();
    speak(5, 'L2', 30);
    speak(6, 'L0', 30);
    speak(7, 'L0', 30);
    speak(8, 'L0', 30);
    assert.deepEqual(said, [
      'evidence.dropped gw at 7h: all of it: L0 in 100 % of the calls and turns of an hour, where L2 was usual',
    ]);
  });

  it('is said of an agent where the source did not fall with it', () => {
    const { said, speak } = measuring();
    for (const hour of [5, 6, 7]) {
      speak(hour, hour === 5 ? 'L3' : 'L1', 20);
      speak(hour, 'L3', 60, { agent: 'b' });
    }
    assert.deepEqual(said, [
      'evidence.dropped gw/a at 7h: agent a: L1 in 100 % of the calls and turns of an hour, where L3 was usual',
    ]);
  });

  it('is not said again of an agent that comes back long after its source fell', () => {
    const { said, speak } = measuring();
    speak(5, 'L2', 30);
    speak(5, 'L2', 30, { agent: 'b' });
    speak(6, 'L0', 30);
    speak(7, 'L0', 30);
    speak(9, 'L0', 30, { agent: 'b' });
    speak(10, 'L0', 1, { agent: 'b' });
    assert.equal(said.length, 1);
  });

  it('takes twenty events, and compares with the last hour that had them', () => {
    const { said, speak } = measuring();
    speak(5, 'L2', 20);
    speak(6, 'L0', 19);
    speak(7, 'L0', 20);
    assert.deepEqual(said, []);
    speak(8, 'L0', 1);
    assert.equal(said.length, 1);
  });

  it('is the same after a restart in between', () => {
    const whole = measuring();
    const before = new Slots();
    const first = measuring(before);
    const after = new Slots();
    for (const { speak } of [whole, first]) speak(5, 'L3', 25);
    const delta = before.takeDelta();
    assert.ok(delta !== null);
    after.restore([], [{ seq: 1, bytes: delta }]);
    const second = measuring(after);
    for (const { speak } of [whole, second]) {
      speak(6, 'L0', 25);
      speak(7, 'L0', 1);
    }
    assert.deepEqual(second.said, whole.said);
    assert.equal(whole.said.length, 1);
  });
});

describe('levels', () => {
  it('are four, and each is counted in its place', () => {
    const { speak, levels } = measuring();
    for (const [at, level] of EVIDENCE_LEVELS.entries()) speak(5, level, at + 1);
    speak(6, 'L0', 1);
    assert.deepEqual(levels.takeWindows()[0]?.counts, [1, 2, 3, 4]);
  });
});
