/** Seasons: one on average over a week, with busy hours and quiet ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOAD_MAX, load } from '../../src/simulation/season.ts';
import { START, tell } from './stories.ts';

const HOUR_MS = 3_600_000;
const KINDS = ['office', 'evening', 'night', 'steady'] as const;

test('the load is one on average over any week, and never above its maximum', () => {
  for (const hours of KINDS) {
    for (const fromMs of [START, START + 50 * HOUR_MS]) {
      let sum = 0;
      for (let hour = 0; hour < 168; hour += 1) {
        const now = load(hours, fromMs + hour * HOUR_MS);
        assert.ok(now >= 0 && now <= LOAD_MAX);
        sum += now;
      }
      assert.ok(Math.abs(sum / 168 - 1) < 1e-9, hours);
    }
  }
});

test('offices are busy on weekdays by day, others when theirs is', () => {
  const tuesday = (hour: number) => START + hour * HOUR_MS;
  const sunday = (hour: number) => Date.UTC(2026, 8, 6) + hour * HOUR_MS;
  assert.ok(load('office', tuesday(10)) > 20 * load('office', tuesday(3)));
  assert.ok(load('office', tuesday(10)) > 5 * load('office', sunday(10)));
  assert.ok(load('evening', tuesday(19)) > 5 * load('evening', tuesday(4)));
  assert.ok(load('evening', sunday(19)) > load('evening', tuesday(19)));
  assert.ok(load('night', tuesday(1)) > 5 * load('night', tuesday(11)));
});

test('a fleet with seasons opens its sessions when they say, as many as were asked for', () => {
  const week = { untilMs: START + 168 * HOUR_MS, sessionsPerHour: 6, seasons: true };
  const told = tell({ ...week, agents: 100 });
  const opened = told.emissions.flatMap(({ atMs, event }) =>
    event.governance?.change === 'session.opened' && event.session?.parent === undefined
      ? [{ atMs, role: event.agent?.role ?? '' }]
      : [],
  );
  const expected = 6 * 168;
  assert.ok(Math.abs(opened.length - expected) < 0.12 * expected, `${opened.length}`);
  const clerks = opened.filter(({ role }) => role === 'payables-agent');
  const hourOf = (ms: number) => Math.floor(ms / HOUR_MS) % 24;
  const atWork = clerks.filter(({ atMs }) => hourOf(atMs) >= 7 && hourOf(atMs) < 18).length;
  assert.ok(atWork > 0.85 * clerks.length, `${atWork} of ${clerks.length}`);
});
