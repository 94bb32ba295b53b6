/** Retiming: every time moves by the same amount, and nothing else changes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shifted } from '../../src/commands/retime.ts';

const move = (record: unknown, ms: number): unknown =>
  JSON.parse(shifted(Buffer.from(JSON.stringify(record)), ms).toString('utf8'));

describe('retime', () => {
  it('moves RFC 3339 texts at the top level, in whatever zone', () => {
    assert.deepEqual(
      move({ ts: '2026-01-01T00:00:00Z', at: '2026-01-01T02:00:00.250+02:00', n: 1 }, 1500),
      { ts: '2026-01-01T00:00:01.500Z', at: '2026-01-01T00:00:01.750Z', n: 1 },
    );
    assert.deepEqual(move({ ts: '2026-01-01T00:00:00Z' }, -86_400_000), {
      ts: '2025-12-31T00:00:00.000Z',
    });
  });

  it('moves canonical nanoseconds without losing any', () => {
    const record = { time: { eventNs: '1767225600123456789', zone: 'x' }, kind: 'gateway' };
    assert.deepEqual(move(record, 2), {
      time: { eventNs: '1767225600125456789', zone: 'x' },
      kind: 'gateway',
    });
  });

  it('leaves what only looks like a time', () => {
    const record = {
      day: '2026-01-01',
      text: 'on 2026-01-01T00:00:00Z it was',
      bad: '2026-13-45T99:00:00Z',
      inner: { ts: '2026-01-01T00:00:00Z' },
      time: { eventNs: 17, other: '17' },
    };
    assert.deepEqual(move(record, 1000), record);
  });

  it('returns what is no JSON object byte for byte', () => {
    for (const text of ['', 'not json', '[1]', '"2026-01-01T00:00:00Z"', 'null', '{"a":']) {
      const line = Buffer.from(text);
      assert.equal(shifted(line, 1000), line);
    }
    const garbage = Buffer.from([0xff, 0xfe, 0x00]);
    assert.equal(shifted(garbage, 1000), garbage);
  });

  it('keeps a member called __proto__', () => {
    const line = Buffer.from('{"__proto__":{"x":1},"ts":"2026-01-01T00:00:00Z"}');
    assert.equal(
      shifted(line, 1000).toString('utf8'),
      '{"__proto__":{"x":1},"ts":"2026-01-01T00:00:01.000Z"}',
    );
  });
});
