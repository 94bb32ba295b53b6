/** Health: what each probe says in each state, and that no probe asks what it must not depend on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { liveness, readiness, startup } from '../../src/commands/health.ts';
import { Standing } from '../../src/commands/standing.ts';

const T0 = 1_700_000_000_000;
const LAG_MS = 60_000;
const working = (): Standing => {
  const standing = new Standing(T0);
  standing.assigned(0, [{ topic: 'gateway', partition: 0, next: 0, end: 10, low: 0 }], T0);
  standing.works(0, T0);
  return standing;
};
const record = (offset: number, timestampMs: number) => ({
  ...{ topic: 'gateway', partition: 0, offset, timestampMs, key: null, value: null },
});

describe('/livez', () => {
  it('is fine in every state, with the database away and no broker, as long as the loop goes on', () => {
    const loading = new Standing(T0);
    loading.assigned(0, [], T0);
    const standby = new Standing(T0);
    standby.waits(T0);
    for (const standing of [new Standing(T0), standby, loading, working()]) {
      const { state } = standing.lane;
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
    standing.assigned(0, [], T0);
    const loading = readiness(standing, LAG_MS, T0);
    assert.equal(loading.components['lane']?.detail, 'its state is being loaded');
    assert.equal(loading.ok, false);
    standing.works(0, T0);
    assert.deepEqual([readiness(standing, LAG_MS, T0).status, startup(standing).ok], ['ok', true]);
  });

  it('is false while any of several lanes is loaded, and says how the worst of their partitions is', () => {
    const standing = working();
    standing.assigned(1, [{ topic: 'gateway', partition: 1, next: 0, end: 9, low: 0 }], T0 + 5);
    const loading = readiness(standing, LAG_MS, T0 + 5);
    assert.deepEqual([loading.ok, loading.components['lane']?.sinceMs], [false, T0 + 5]);
    standing.works(1, T0 + 6);
    assert.equal(readiness(standing, LAG_MS, T0 + 6).ok, true);
    standing.read(0, record(9, T0), 10, 10, T0 + 90_000);
    const late = readiness(standing, LAG_MS, T0 + 90_000);
    assert.match(late.components['lag']?.detail ?? '', /^1 of 2 partitions are behind/);
    standing.left(T0 + 90_001, 1);
    assert.equal(readiness(standing, LAG_MS, T0 + 90_001).ok, true);
    standing.left(T0 + 90_002);
    assert.equal(standing.lane.state, 'starting');
  });

  it('says standby where another process works, and is ready to take over', () => {
    const standing = new Standing(T0);
    standing.waits(T0);
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
    standing.read(0, record(4, T0 - 86_400_000), 5, 10, T0 + 70_000);
    const behind = at(70_000);
    assert.equal(behind.ok, false);
    assert.match(
      behind.components['lag']?.detail ?? '',
      /^1 of 1 partitions are behind, the worst/,
    );
    standing.read(0, record(9, T0 - 80_000_000), 10, 10, T0 + 71_000);
    assert.equal(at(71_000).ok, true);
    standing.ends(0, [{ topic: 'gateway', partition: 0, next: 10, end: 12, low: 0 }]);
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
    standing.waits(T0);
    standing.left(T0 + 1);
    standing.heard('DATABASE_UNREACHABLE', T0 + 1);
    assert.equal(startup(standing).ok, true);
  });
});
