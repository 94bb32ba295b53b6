/** Heartbeat: comes while the work is done, to those it does not ring at, as one alert that goes on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Sink } from '../../src/act/sink.ts';
import { createTelemetry } from '../../src/adapters/telemetry.ts';
import { beatHeart } from '../../src/commands/heartbeat.ts';
import type { Alert } from '../../src/model/alert.ts';
import type { SendOutcome } from '../../src/model/alert-log.ts';
import { FINDING } from '../act/matter.ts';
import { scraped } from '../counterparts/prometheus-text.ts';
import { silentLog } from '../integration/postgres.ts';

const T0 = 1_700_000_000_000;

const sinkOf = (notifies: boolean, send: (alert: Alert) => Promise<SendOutcome>): Sink => ({
  capabilities: () => ({
    ...{ type: 'test', kinds: ['finding'], notifies, resendMs: null, pauseMs: 0, bytesMax: 1e6 },
  }),
  render: () => [],
  send,
});
const sent: SendOutcome = { type: 'sent', detail: '' } as SendOutcome;

/** Beats `rounds` times; `works` is asked before each. */
async function beats(
  sinks: ReadonlyMap<string, Sink>,
  rounds: number,
  works: (n: number) => boolean,
) {
  const telemetry = createTelemetry();
  const over = new AbortController();
  let ms = T0;
  let round = 0;
  const clock = {
    nowMs: () => ms,
    sleep: async (forMs: number) => {
      ms += forMs;
      round += 1;
      if (round >= rounds) over.abort();
    },
  };
  await beatHeart(
    {
      ...{ instance: 'plumbline-eu', sinks, finding: FINDING, everyMs: 60_000, telemetry },
      ...{ works: () => works(round), clock, log: silentLog },
    },
    over.signal,
  );
  return scraped(await telemetry.text()).get('plumbline_heartbeats_total')?.samples ?? [];
}

describe('the heartbeat', () => {
  it('is one informational finding that is told again, each time a step later', async () => {
    const heard: Alert[] = [];
    const sink = sinkOf(false, async (alert) => {
      heard.push(alert);
      return sent;
    });
    await beats(new Map([['am', sink]]), 3, () => true);
    assert.equal(heard.length, 3);
    assert.equal(new Set(heard.map(({ caseId }) => caseId)).size, 1);
    assert.equal(new Set(heard.map(({ uid }) => uid)).size, 3);
    assert.deepEqual(
      heard.map(({ sequence }) => sequence),
      [1, 2, 3],
    );
    assert.deepEqual(
      heard.map(({ activity }) => activity),
      ['create', 'update', 'update'],
    );
    for (const { level, detector, agent, event } of heard) {
      assert.deepEqual([level, detector, agent], ['informational', 'heartbeat', 'plumbline-eu']);
      assert.equal(event['verdict'], 'Test');
    }
  });

  it('rings at nobody', async () => {
    const pager = sinkOf(true, async () => assert.fail('somebody was rung at'));
    assert.deepEqual(await beats(new Map([['pager', pager]]), 3, () => true), []);
  });

  it('stops while the work is not done, comes back with it at once, and never more often than asked', async () => {
    let heard = 0;
    const sink = sinkOf(false, async () => {
      heard += 1;
      return sent;
    });
    // Beats at 0 and 60 s; looks each second from 120 s on, in vain until the twelfth look.
    await beats(new Map([['am', sink]]), 14, (n) => n < 2 || n >= 12);
    assert.equal(heard, 4);
  });

  it('goes on over a sink that refuses or fails, and counts what came of each', async () => {
    const sinks = new Map([
      ['well', sinkOf(false, async () => sent)],
      [
        'away',
        sinkOf(false, async () => ({ type: 'retry', detail: 'x', afterMs: 1 }) as SendOutcome),
      ],
      ['broken', sinkOf(false, async () => Promise.reject(new TypeError('a fault')))],
    ]);
    const counted = await beats(sinks, 2, () => true);
    const of = (sink: string) => counted.filter(({ labels }) => labels['sink'] === sink);
    assert.deepEqual(
      of('well').map(({ labels, value }) => [labels['outcome'], value]),
      [['sent', 2]],
    );
    assert.deepEqual(
      of('away').map(({ labels, value }) => [labels['outcome'], value]),
      [['retry', 2]],
    );
    assert.deepEqual(
      of('broken').map(({ labels, value }) => [labels['outcome'], value]),
      [['failed', 2]],
    );
  });
});
