/** Health: what each probe says in each state, and that no probe asks what it must not depend on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { liveness, readiness, startup } from '../../src/commands/health.ts';
import { LANE_STATES, Standing } from '../../src/commands/standing.ts';

const T0 = 1_700_000_000_000;
const LAG_MS = 60_000;
const working = (): Standing => {
  const standing = new Standing(T0);
  standing.assigned([{ topic: 'gateway', partition: 0, next: 0, end: 10, low: 0 }], T0);
  standing.becomes('working', T0);
  return standing;
};
const record = (offset: number, timestampMs: number) => ({
  ...{ topic: 'gateway', partition: 0, offset, timestampMs, key: null, value: null },
});

describe('/livez', () => {
  it('is fine in every state, with the database away and no broker, as long as the loop goes on', () => {
    for (const state of LANE_STATES) {
      const standing = new Standing(T0);
      standing.becomes(state, T0);
      standing.heard('DATABASE_UNREACHABLE', T0);
      for (let ms = 0; ms < 3_600_000; ms += 60_000) {
        standing.beat(T0 + ms);
        assert.equal(liveness(standing, T0 + ms + 1_000).ok, true, state);
      }
    }
  });

  it('is false once the loop has made no step for two minutes, and true again with the next', () => {
    const standing = working();
    assert.equal(liveness(standing, T0 + 120_000).ok, true);
    const stuck = liveness(standing, T0 + 120_001);
    assert.equal(stuck.ok, false);
    assert.match(stuck.components['loop']?.detail ?? '', /no step for 120 s/);
    standing.beat(T0 + 130_000);
    assert.equal(liveness(standing, T0 + 130_001).ok, true);
  });

  it('is not misled by a clock that was set back', () => {
    assert.equal(liveness(working(), T0 - 3_600_000).ok, true);
  });
});

describe('/readyz', () => {
  it('is false until the lane is claimed and loaded', () => {
    const standing = new Standing(T0);
    assert.equal(readiness(standing, LAG_MS, T0).ok, false);
    standing.becomes('loading', T0);
    const loading = readiness(standing, LAG_MS, T0);
    assert.equal(loading.components['lane']?.detail, 'its state is being loaded');
    assert.equal(loading.ok, false);
    standing.becomes('working', T0);
    assert.deepEqual([readiness(standing, LAG_MS, T0).status, startup(standing).ok], ['ok', true]);
  });

  it('says standby where another process works, and is ready to take over', () => {
    const standing = new Standing(T0);
    standing.becomes('standby', T0);
    const health = readiness(standing, LAG_MS, T0);
    assert.deepEqual([health.ok, health.status], [true, 'standby']);
    standing.heard('DATABASE_UNREACHABLE', T0 + 1);
    assert.deepEqual(
      [readiness(standing, LAG_MS, T0 + 1).ok, readiness(standing, LAG_MS, T0 + 1).status],
      [false, 'failing'],
    );
  });

  it('is false while the database is away, says since when and why, and true when it is back', () => {
    const standing = working();
    standing.heard('DATABASE_TRANSIENT', T0 + 5_000);
    standing.heard('DATABASE_UNREACHABLE', T0 + 9_000);
    const away = readiness(standing, LAG_MS, T0 + 9_000);
    assert.equal(away.ok, false);
    assert.equal(away.components['database']?.sinceMs, T0 + 5_000);
    standing.heard(null, T0 + 12_000);
    assert.equal(readiness(standing, LAG_MS, T0 + 12_000).ok, true);
  });

  it('is false while any partition is further behind than allowed; old records that are read are no lag', () => {
    const standing = working();
    const at = (ms: number) => readiness(standing, LAG_MS, T0 + ms);
    assert.equal(at(LAG_MS).ok, true, 'nothing was read yet: since it was taken over');
    assert.equal(at(LAG_MS + 1).ok, false);
    standing.read(record(4, T0 - 86_400_000), 5, 10, T0 + 70_000);
    const behind = at(70_000);
    assert.equal(behind.ok, false);
    assert.match(
      behind.components['lag']?.detail ?? '',
      /^1 of 1 partitions are behind, the worst/,
    );
    standing.read(record(9, T0 - 80_000_000), 10, 10, T0 + 71_000);
    assert.equal(at(71_000).ok, true);
    standing.ends([{ topic: 'gateway', partition: 0, next: 10, end: 12, low: 0 }]);
    assert.equal(at(71_000).ok, false);
  });

  it('names nothing that is observed', () => {
    const standing = working();
    const said = JSON.stringify(readiness(standing, 0, T0 + 1e6));
    assert.ok(!said.includes('gateway'), said);
  });
});

describe('/startupz', () => {
  it('stays true once it was, whatever comes', () => {
    const standing = new Standing(T0);
    assert.equal(startup(standing).ok, false);
    standing.becomes('standby', T0);
    standing.left(T0 + 1);
    standing.heard('DATABASE_UNREACHABLE', T0 + 1);
    assert.equal(startup(standing).ok, true);
  });
});
