/** Alerts on a real database with every counterpart: nothing lost, nothing twice, in order. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { renderAlert } from '../../src/act/finding/finding.ts';
import { createNotifier, type Notifier } from '../../src/act/notify.ts';
import { sinksFor } from '../../src/act/route.ts';
import { createSilences } from '../../src/act/silences.ts';
import type { Sink } from '../../src/act/sink.ts';
import type { AlertLog } from '../../src/model/alert-log.ts';
import type { RouteConfig } from '../../src/model/config/alerts.ts';
import type { Announced, Announcement, Case } from '../../src/model/decision.ts';
import { LEVELS, type Level } from '../../src/model/detection.ts';
import { idOf } from '../../src/model/ids.ts';
import type { Database } from '../../src/model/ports.ts';
import { createActionLog } from '../../src/record/actions.ts';
import { listAlerts, retryDead, sinkStatuses } from '../../src/record/alert-read.ts';
import { createAlertLog } from '../../src/record/alerts.ts';
import { sweep } from '../../src/record/housekeeping.ts';
import { verifyJournal } from '../../src/record/journal.ts';
import { commitLane, type LaneClaim } from '../../src/record/lane.ts';
import { listNotices } from '../../src/record/read.ts';
import { FINDING } from '../act/matter.ts';
import { createScriptedSink } from '../act/scripted-sink.ts';
import { createTestLog } from '../act/test-log.ts';
import { COUNTERPARTS, type SinkAndCounterpart } from '../counterparts/sinks.ts';
import { createHurryingClock, type HurryingClock } from './alerts-clock.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { caseOf, claim, commit, detection, effects, intention, START_MS } from './samples.ts';

const NAMES = Object.keys(COUNTERPARTS) as (keyof typeof COUNTERPARTS)[];
const HOUR_MS = 3_600_000;

let provider: ProvidedPostgres;
let fresh: FreshDatabase;
let db: Database;
let token: LaneClaim;
let clock: HurryingClock;
let places: Map<string, SinkAndCounterpart>;

before(async () => {
  provider = await providePostgres();
});
after(async () => {
  await provider.stop();
});
beforeEach(async () => {
  fresh = await freshDatabase(provider);
  db = fresh.db;
  token = (await claim(db)).claim;
  clock = createHurryingClock(START_MS + HOUR_MS);
  places = new Map();
});

const withPlaces = async (
  names: readonly (keyof typeof COUNTERPARTS)[],
  body: () => Promise<void>,
) => {
  for (const name of names) places.set(name, await COUNTERPARTS[name](clock));
  try {
    await body();
  } finally {
    for (const one of places.values()) {
      await one.behave('works');
      await one.close();
    }
    await fresh.drop();
  }
};
const place = (name: string): SinkAndCounterpart => {
  const one = places.get(name);
  assert.ok(one !== undefined);
  return one;
};

const fold = {
  ...({ detector: 'unstated-action', agent: 'agent-1', level: 'high', maturity: 'alert' } as const),
  ...{ count: 1, firstSeenMs: START_MS, lastSeenMs: START_MS, evidence: [], evidenceTotal: 1 },
};
const theCase = (n: number, more: Partial<Case> = {}): Case =>
  caseOf(n, { folds: [fold], ...more });
const announced = (
  n: number,
  why: Announced,
  level: Level = 'high',
  timeMs = START_MS + n,
): Announcement => ({
  ...{ id: idOf('told', n, why, timeMs), caseId: theCase(n).id, why, level, timeMs },
  ...{ title: 'Unstated action', detector: why === 'resolved' ? null : 'unstated-action' },
});

/** Commits a case and what is announced of it, as the lane does. */
const announce = async (
  n: number,
  why: Announced,
  level: Level = 'high',
  more: Partial<Case> = {},
) => {
  const timeMs = clock.nowMs();
  const written = await commitLane(
    db,
    token,
    commit({
      effects: effects({
        detections: [detection(n)],
        members: [{ caseId: theCase(n).id, detectionId: detection(n).id }],
        cases: [theCase(n, { level, state: why === 'resolved' ? 'resolved' : 'open', ...more })],
        announcements: [announced(n, why, level, timeMs)],
      }),
    }),
  );
  assert.equal(written, 'done');
};

const { log, lines } = createTestLog();
const notifier = (
  routes: readonly RouteConfig[] | null = null,
  groupMs = 30_000,
  scripted: Readonly<Record<string, Sink>> = {},
  alerts: AlertLog = createAlertLog(db),
): Notifier => {
  const sinks = new Map<string, Sink>([
    ...[...places].map(([name, { sink }]) => [name, sink] as const),
    ...Object.entries(scripted),
  ]);
  const routed = [...sinks].map(([name, sink]) => ({ name, kinds: sink.capabilities().kinds }));
  return createNotifier(alerts, sinks, clock, log, {
    routing: {
      choose: (facts) => sinksFor(facts, routes, routed),
      ...{ groupMs, repeatMs: 4 * HOUR_MS },
    },
    finding: FINDING,
    silences: createSilences([...sinks.values()], {
      ...{ clock, log },
      regex: (pattern) => (text) => new RegExp(pattern).test(text),
    }),
    random: () => 0.5,
  });
};
/** One look: routes, sends what is due, and comes back. */
const look = async (by: Notifier) => await by.drain(HOUR_MS, false);
const states = async () => {
  const rows = await db.query(
    `select sink, state, count(*)::int as n from alert group by sink, state order by sink, state`,
  );
  return rows.map((row) => `${row['sink']} ${row['state']} ${row['n']}`);
};

describe('what is announced', () => {
  it('reaches each sink once, however often and by how many it is looked for', async () => {
    await withPlaces(['webhook', 'otlp'], async () => {
      for (let n = 1; n <= 5; n += 1) await announce(n, 'opened');
      const alerts = createAlertLog(db);
      const routing = { choose: () => ['webhook', 'otlp'], groupMs: 0, repeatMs: 0 };
      const at = clock.nowMs();
      const routed = await Promise.all([1, 2, 3, 4].map(() => alerts.route(routing, at)));
      assert.equal(
        routed.reduce((sum, { written }) => sum + written, 0),
        10,
      );
      assert.equal((await alerts.route(routing, at)).written, 0);
      await look(notifier());
      for (const name of ['webhook', 'otlp']) assert.equal(place(name).taken().length, 5);
      assert.deepEqual(await states(), ['otlp sent 5', 'webhook sent 5']);
    });
  });

  it('waits for what belongs to it; worse news takes the rest along at once', async () => {
    await withPlaces(['webhook'], async () => {
      const by = notifier();
      await announce(1, 'opened', 'medium');
      await announce(1, 'detector', 'medium');
      await look(by);
      assert.equal(place('webhook').taken().length, 0);
      clock.pass(29_000);
      await look(by);
      assert.equal(place('webhook').taken().length, 0);
      await announce(1, 'level', 'critical');
      await look(by);
      assert.equal(place('webhook').taken().length, 1);
      const [only] = await listAlerts(db, { limit: 9 });
      assert.deepEqual([only?.why, only?.level], [['opened', 'detector', 'level'], 'critical']);
      await announce(1, 'maturity', 'critical');
      await look(by);
      assert.equal(place('webhook').taken().length, 1);
      clock.pass(30_000);
      await look(by);
      assert.equal(place('webhook').taken().length, 2);
      // Somebody is to do something: that does not wait either.
      await announce(1, 'approval', 'critical');
      await look(by);
      assert.equal(place('webhook').taken().length, 3);
      assert.match(
        place('webhook').everything(),
        /"message":"Unstated action · Unstated action \(/,
      );
    });
  });

  it('of a case that goes on is told again no sooner than configured', async () => {
    await withPlaces(['webhook'], async () => {
      const by = notifier(null, 0);
      await announce(1, 'opened');
      await look(by);
      for (let hour = 1; hour <= 8; hour += 1) {
        clock.pass(HOUR_MS);
        await announce(1, 'repeat');
        await look(by);
      }
      assert.equal(place('webhook').taken().length, 3);
    });
  });

  it('goes where routes say: the first that fits decides', async () => {
    await withPlaces(['webhook', 'otlp', 'pagerduty'], async () => {
      const by = notifier(
        [
          { when: { severity: ['critical', 'high'] }, to: ['pagerduty', 'otlp'] },
          { when: { role: ['nobody'] }, to: ['webhook'] },
          { to: ['otlp'] },
        ],
        0,
      );
      await announce(1, 'opened', 'medium');
      await look(by);
      assert.deepEqual(await states(), ['otlp sent 1']);
      await announce(1, 'level', 'high');
      await look(by);
      assert.deepEqual(await states(), ['otlp sent 2', 'pagerduty sent 1']);
      // An end goes to whoever knows of the case, whatever routes say of its level.
      await announce(1, 'resolved', 'medium');
      await look(by);
      assert.deepEqual(await states(), ['otlp sent 3', 'pagerduty sent 2']);
      for (const name of ['otlp', 'pagerduty'])
        assert.equal(place(name).stateOf(theCase(1).id), 'over', name);
    });
  });

  it('an end that nobody announced is told too: folded, or judged to be nothing', async () => {
    await withPlaces(['pagerduty', 'alertmanager'], async () => {
      const by = notifier(null, 0);
      for (const n of [1, 2, 3]) await announce(n, 'opened');
      await look(by);
      const verdict = {
        ...{ detectionId: detection(1).id, detector: 'unstated-action', version: 'v1' },
        ...({ verdict: 'false_positive', by: 'anna', note: 'ordered', atMs: START_MS } as const),
      } as const;
      const folded = theCase(2, { state: 'folded', foldedInto: theCase(9).id });
      const told = commit({ effects: effects({ verdicts: [verdict], cases: [folded] }) });
      assert.equal(await commitLane(db, token, told), 'done');
      const alerts = createAlertLog(db);
      assert.equal(await alerts.tidy([...places.keys()], clock.nowMs()), 4);
      assert.equal(await alerts.tidy([...places.keys()], clock.nowMs()), 0);
      await look(by);
      for (const name of places.keys())
        assert.deepEqual(
          [1, 2, 3].map((n) => place(name).stateOf(theCase(n).id)),
          ['over', 'over', 'open'],
          name,
        );
    });
  });

  it('of a case that a fleet case tells meanwhile, nobody is rung for', async () => {
    await withPlaces(['pagerduty', 'webhook'], async () => {
      const by = notifier();
      await announce(1, 'opened');
      await look(by);
      const folded = theCase(1, { state: 'folded', foldedInto: theCase(9).id });
      await commitLane(db, token, commit({ effects: effects({ cases: [folded] }) }));
      clock.pass(30_000);
      await look(by);
      assert.equal(place('pagerduty').taken().length, 0);
      assert.equal(place('webhook').taken().length, 1);
      assert.deepEqual(await states(), ['pagerduty silenced 1', 'webhook sent 1']);
    });
  });
});

describe('steps of containment', () => {
  it('are told to who keeps records, each once; that a lease leaks is told once', async () => {
    await withPlaces(NAMES, async () => {
      const by = notifier(null, 0);
      await announce(1, 'opened');
      const actions = createActionLog(db, { lane: 0 });
      const lease = idOf('lease', 1);
      for (const step of ['request', 'release'] as const) {
        const intentions = [intention(1, { step, expiresMs: clock.nowMs() + HOUR_MS })];
        await commitLane(db, token, commit({ effects: effects({ intentions }) }));
        const [due] = await actions.takeDue(clock.nowMs(), 1, 1000);
        assert.equal(due?.intention.step, step);
        await actions.settle(
          due.intention.key,
          { type: 'retry', detail: '', afterMs: 0 },
          clock.nowMs(),
        );
        await actions.takeDue(clock.nowMs(), 1, 1000);
        await actions.settle(due.intention.key, { type: 'accepted', detail: '' }, clock.nowMs());
        for (const leaked of step === 'request' ? [0, 1, 2, 3] : []) {
          const verification = leaked === 0 ? 'verified' : 'leaking';
          await actions.verify(lease, verification, 'x', leaked, 0, clock.nowMs());
        }
        await look(by);
      }
      const steps = await db.query(
        `select distinct on (ord) why[1] as step, step ->> 'outcome' as outcome from alert
          where kind = 'action' and sink = 'kafka' order by ord`,
      );
      assert.deepEqual(
        steps.map(({ step, outcome }) => `${step} ${outcome}`),
        ['request accepted', 'verification verified', 'verification leaking', 'release accepted'],
      );
      for (const name of NAMES) {
        const takes = place(name).sink.capabilities().kinds.includes('action');
        assert.equal(place(name).taken().length, takes ? 5 : 1, name);
        assert.deepEqual(place(name).refused(), [], name);
      }
      const told = place('kafka').everything();
      assert.match(told, /"topic":"plumbline\.actions","key":"agent-1"/);
      assert.match(told, /Restore/);
      assert.match(told, /Partial/);
    });
  });
});

describe('a silence', () => {
  it('holds back who would be rung at, and nothing else; an end is told', async () => {
    await withPlaces(['alertmanager', 'pagerduty', 'slack', 'webhook'], async () => {
      const by = notifier(null, 0);
      await announce(1, 'opened');
      await look(by);
      place('alertmanager').silence?.(
        [{ name: 'agent', value: 'agent-[0-9]+', isRegex: true, isEqual: true }],
        clock.nowMs() + 2 * HOUR_MS,
      );
      clock.pass(30_000);
      await announce(1, 'detector');
      await announce(2, 'opened');
      await look(by);
      for (const name of ['pagerduty', 'slack']) assert.equal(place(name).taken().length, 1, name);
      for (const name of ['alertmanager', 'webhook']) assert.equal(place(name).taken().length, 3);
      await announce(1, 'resolved');
      await look(by);
      assert.equal(place('pagerduty').stateOf(theCase(1).id), 'over');
      // The case itself knows nothing of it: risk, containment and journal go on.
      const [kept] = await db.query(
        `select count(*)::int as n from journal where kind = 'announcement'`,
      );
      assert.equal(kept?.['n'], 4);
      clock.pass(3 * HOUR_MS);
      await announce(2, 'repeat');
      await look(by);
      assert.equal(place('pagerduty').stateOf(theCase(2).id), 'open');
    });
  });
});

describe('sinks that are away for hours', () => {
  it('lose nothing, in order per case, and nobody waits for them', async () => {
    const CASES = 12;
    await withPlaces(NAMES, async () => {
      const by = notifier(null, 0);
      const away = ['pagerduty', 'slack', 'kafka', 'otlp', 'webhook', 'alertmanager'] as const;
      // Each is away for five hours, one after the other overlapping by two and a half.
      for (let half = 0; half < 24; half += 1) {
        for (const [at, name] of away.entries()) {
          const isAway = half >= at * 3 && half < at * 3 + 10;
          await place(name).behave(isAway ? (half % 3 === 0 ? 'breaks' : 'down') : 'works');
        }
        const n = (half % CASES) + 1;
        await announce(n, half < CASES ? 'opened' : 'detector');
        for (let minutes = 0; minutes < 30; minutes += 5) {
          await look(by);
          clock.pass(5 * 60_000);
        }
      }
      for (const one of places.values()) await one.behave('works');
      for (let n = 1; n <= CASES; n += 1) await announce(n, 'resolved');
      for (let rounds = 0; rounds < 40; rounds += 1) {
        clock.pass(31_000);
        await look(by);
      }
      const rows = await db.query(
        `select sink, state, count(*)::int as n, count(distinct uid)::int as uids,
           max(attempts) as most from alert group by sink, state order by sink`,
      );
      assert.deepEqual(
        rows.map(({ sink, state, n, uids }) => [sink, state, n, uids]),
        [...NAMES].sort().map((name) => [name, 'sent', 3 * CASES, 3 * CASES]),
      );
      for (const name of NAMES) {
        const expected = await db.query(
          'select uid, case_id, activity from alert where sink = $1 order by ord',
          [name],
        );
        const taken = place(name).taken();
        // PagerDuty's and Alertmanager's ends bear no uid of ours that outlives them.
        const kept = expected.filter(
          ({ activity }) => name !== 'pagerduty' || activity !== 'close',
        );
        assert.deepEqual([...taken].sort(), kept.map(({ uid }) => String(uid)).sort(), name);
        for (let n = 1; n <= CASES; n += 1) {
          const own = kept.filter(({ case_id }) => case_id === theCase(n).id);
          const order = own.map(({ uid }) => taken.indexOf(String(uid)));
          assert.deepEqual(
            order,
            [...order].sort((a, b) => a - b),
            `${name}: order of case ${n}`,
          );
        }
        assert.deepEqual(place(name).refused(), [], name);
      }
      const open = (await sinkStatuses(db)).map(({ sink, standing, depth }) => [
        sink,
        standing,
        depth,
      ]);
      assert.deepEqual(
        open,
        [...NAMES].sort().map((name) => [name, 0, 0]),
      );
      assert.equal((await verifyJournal(db, 0)).ok, true);
    });
  });

  it('are given up after a day, said to fail, and get it all when asked to', async () => {
    await withPlaces(['webhook', 'otlp'], async () => {
      const by = notifier(null, 0);
      await place('webhook').behave('down');
      for (const n of [1, 2]) await announce(n, 'opened');
      for (let hours = 0; hours < 24; hours += 1) {
        await look(by);
        clock.pass(HOUR_MS);
      }
      const [, failing] = await sinkStatuses(db);
      assert.equal(failing?.sink, 'webhook');
      assert.deepEqual([failing?.depth, failing?.dead], [2, 0]);
      assert.ok(failing !== undefined && (failing.failingSinceMs ?? 0) > 0);
      for (let rounds = 0; rounds < 4; rounds += 1) {
        clock.pass(60_000);
        await look(by);
      }
      assert.deepEqual(await states(), ['otlp sent 2', 'webhook dead 2']);
      const [notice] = await listNotices(db, 1);
      assert.deepEqual([notice?.code, notice?.subject], ['alert.dead-letter', 'webhook']);
      const dead = await listAlerts(db, { state: 'dead', limit: 9 });
      assert.match(dead[0]?.detail ?? '', /^not sent: ECONNREFUSED/);
      await place('webhook').behave('works');
      assert.equal(await retryDead(db, 'webhook', clock.nowMs()), 2);
      clock.pass(60_000);
      await look(by);
      assert.deepEqual(await states(), ['otlp sent 2', 'webhook sent 2']);
      assert.equal(place('webhook').taken().length, 2);
      const healed = (await sinkStatuses(db)).find(({ sink }) => sink === 'webhook');
      assert.equal(healed?.failingSinceMs, null);
    });
  });

  it('what waits for one that is no longer configured is given up after a day', async () => {
    await withPlaces(['webhook', 'otlp'], async () => {
      await place('webhook').behave('down');
      await announce(1, 'opened');
      await look(notifier(null, 0));
      const alerts = createAlertLog(db);
      clock.pass(23 * HOUR_MS);
      await alerts.tidy(['otlp'], clock.nowMs());
      assert.deepEqual(await states(), ['otlp sent 1', 'webhook waiting 1']);
      clock.pass(2 * HOUR_MS);
      await alerts.tidy(['otlp'], clock.nowMs());
      assert.deepEqual(await states(), ['otlp sent 1', 'webhook dead 1']);
    });
  });

  it('forget a case whose end they did not hear of in a day', async () => {
    await withPlaces(['webhook', 'otlp'], async () => {
      await announce(1, 'opened');
      await look(notifier(null, 0));
      await announce(1, 'resolved');
      const alerts = createAlertLog(db);
      const otlp = ['otlp'];
      await alerts.route({ choose: () => otlp, groupMs: 0, repeatMs: 0 }, clock.nowMs());
      const knows = async () =>
        (await db.query('select sink from alert_told where not closed order by sink')).map(
          ({ sink }) => sink,
        );
      await alerts.tidy(otlp, clock.nowMs());
      assert.deepEqual(await knows(), ['otlp', 'webhook']);
      clock.pass(25 * HOUR_MS);
      assert.equal(await alerts.tidy(otlp, clock.nowMs()), 1);
      assert.deepEqual(await knows(), ['otlp']);
    });
  });
});

// 250 cases like the first, with what the sink was told of them and did not take.
const COPIES = [
  `insert into case_record (id, lane, level, tenant, agent, session, opened_ms, last_ms,
      detection_count, body, state, folded_into)
    select 'copy-' || n, lane, level, tenant, agent, session, opened_ms, last_ms, detection_count, body,
      state, folded_into from case_record, generate_series(1001, 1250) n`,
  `insert into alert_told (sink, case_id, uid, told_ms, refreshed_ms, closed, body)
    select sink, 'copy-' || n, n || uid, told_ms, refreshed_ms, closed, body
    from alert_told, generate_series(1001, 1250) n`,
  `insert into alert (sink, uid, lane, kind, activity, case_id, level, sequence, why, state, due_ms,
      announced_ms, created_ms)
    select sink, n || uid, lane, kind, activity, 'copy-' || n, level, sequence, why, state, due_ms,
      announced_ms, created_ms from alert, generate_series(1001, 1250) n order by n, ord`,
];

describe('an end that a sink does not take', () => {
  const forOpen: Sink = createScriptedSink(async ({ activity }) =>
    activity === 'close' ? { type: 'refused', detail: 'HTTP 400' } : { type: 'sent', detail: 'ok' },
  );
  const foldInto = async (n: number) => {
    const folded = theCase(n, { state: 'folded', foldedInto: theCase(9).id });
    const written = await commitLane(db, token, commit({ effects: effects({ cases: [folded] }) }));
    assert.equal(written, 'done');
  };

  it('is written once, also when what was sent of its case is swept away', async () => {
    await withPlaces([], async () => {
      const by = notifier(null, 0, { stubborn: forOpen });
      const alerts = createAlertLog(db);
      for (const n of [1, 2]) await announce(n, 'opened');
      await look(by);
      await announce(1, 'resolved');
      await foldInto(2);
      await look(by);
      const tidied = async () => await alerts.tidy(['stubborn'], clock.nowMs());
      assert.equal(await tidied(), 1);
      await look(by);
      assert.deepEqual(await states(), ['stubborn dead 2', 'stubborn sent 2']);
      assert.equal(await tidied(), 0);
      clock.pass(31 * 24 * HOUR_MS);
      assert.equal((await sweep(db, clock.nowMs())).alerts, 4);
      // Once in a month it may be tried again; the order of what the sink hears goes on.
      assert.equal(await tidied(), 2);
      const sequences = (await listAlerts(db, { limit: 9 })).map(({ sequence }) => sequence);
      assert.deepEqual(sequences, [2, 2]);
      await look(by);
      assert.equal(await tidied(), 0);
    });
  });

  it('keeps no other end from being told, however many there are', async () => {
    await withPlaces([], async () => {
      const by = notifier(null, 0, { stubborn: forOpen });
      await announce(1, 'opened');
      await look(by);
      await foldInto(1);
      await createAlertLog(db).tidy(['stubborn'], clock.nowMs());
      await look(by);
      // The same as if the sink knew of 250 of them; `z` comes behind them by its name.
      for (const copy of COPIES) await db.query(copy);
      await db.query(`insert into alert_told (sink, case_id, uid, told_ms, refreshed_ms, closed, body)
        select 'z', case_id, uid, told_ms, refreshed_ms, false, body from alert_told
        where case_id = 'copy-1001'`);
      assert.equal(await createAlertLog(db).tidy(['stubborn', 'z'], clock.nowMs()), 1);
      const [last] = await listAlerts(db, { sink: 'z', limit: 1 });
      assert.deepEqual([last?.caseId, last?.activity], ['copy-1001', 'close']);
    });
  });

  it('stops no sink from being served, and neither does a fault in looking for ends', async () => {
    await withPlaces(['webhook'], async () => {
      const by = notifier(
        null,
        0,
        {},
        {
          ...createAlertLog(db),
          tidy: async () => {
            throw new TypeError('a fault of ours');
          },
        },
      );
      await announce(1, 'opened');
      const stopping = new AbortController();
      const running = by.run(stopping.signal);
      const startedMs = Date.now();
      try {
        while (place('webhook').taken().length === 0) {
          assert.ok(Date.now() - startedMs < 30_000, 'the sink is served');
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        stopping.abort();
        await running;
      }
      assert.ok(lines.some(({ message }) => /ended cases could not be closed/.test(message)));
    });
  });
});

describe('a crash', () => {
  it('between sending and recording sends the same alert again: same uid, same bytes', async () => {
    await withPlaces(['otlp'], async () => {
      await announce(1, 'opened');
      const alerts = createAlertLog(db);
      const at = clock.nowMs();
      await alerts.route({ choose: () => ['otlp'], groupMs: 0, repeatMs: 0 }, at);
      // What a notifier does up to the sending, and then it is gone.
      const [due] = await alerts.takeDue('otlp', at, 8, 60_000);
      assert.ok(due !== undefined && due.alert === null);
      const alert = renderAlert(due, FINDING);
      assert.ok(alert !== null);
      const kept = await alerts.freeze(due.ord, alert);
      await place('otlp').sink.send(kept, null);
      // The case grows meanwhile; the second try must not tell something else under the same uid.
      await announce(1, 'detector', 'critical', { count: 99 });
      assert.equal((await alerts.takeDue('otlp', at + 59_999, 8, 60_000)).length, 0);
      clock.pass(60_001);
      await look(notifier(null, 0));
      const bodies = place('otlp').everything();
      assert.equal(place('otlp').taken().length, 2);
      assert.equal([...bodies.matchAll(new RegExp(due.uid, 'g'))].length >= 2, true);
      const events = (JSON.parse(bodies) as { attributes: Record<string, string> }[])
        .map(({ attributes }) => attributes)
        .filter((one) => one['log.record.uid'] === due.uid)
        .map((one) => one['plumbline.ocsf']);
      assert.equal(events.length, 2);
      assert.equal(events[0], events[1]);
    });
  });

  it('of the database lets nothing be taken twice, nor settled by who came too late', async () => {
    await withPlaces(['webhook'], async () => {
      await announce(1, 'opened');
      const alerts = createAlertLog(db);
      const at = clock.nowMs();
      await alerts.route({ choose: () => ['webhook'], groupMs: 0, repeatMs: 0 }, at);
      const taken = await Promise.all(
        [1, 2, 3, 4].map(() => alerts.takeDue('webhook', at, 8, 1000)),
      );
      assert.equal(taken.flat().length, 1);
      const [again] = await alerts.takeDue('webhook', at + 1000, 8, 1000);
      assert.ok(again !== undefined && again.attempts === 1);
      await alerts.release([again.ord]);
      const [third] = await alerts.takeDue('webhook', at + 1000, 8, 1000);
      assert.equal(third?.attempts, 1);
      await alerts.settle(again.ord, { type: 'refused', detail: 'x' }, at);
      await alerts.settle(again.ord, { type: 'retry', detail: 'late', afterMs: 0 }, at);
      assert.deepEqual(await states(), ['webhook dead 1']);
    });
  });
});

describe('faults of our own', () => {
  it('stop nobody: a sink that throws is tried again, the others go on', async () => {
    await withPlaces(['webhook'], async () => {
      let tries = 0;
      const throws = createScriptedSink(async () => {
        tries += 1;
        throw new TypeError('a fault, with text of an agent in it');
      });
      const by = notifier(null, 0, { throws });
      for (const n of [1, 2, 3]) await announce(n, 'opened');
      for (let rounds = 0; rounds < 3; rounds += 1) {
        await look(by);
        clock.pass(60_000);
      }
      assert.ok(tries >= 3);
      assert.deepEqual(await states(), ['throws waiting 3', 'webhook sent 3']);
      const [status] = await sinkStatuses(db);
      assert.equal(status?.lastDetail, 'reply lost: unnamed failure');
      assert.ok(lines.some(({ fields }) => fields['fault'] === 'TypeError'));
      assert.ok(!JSON.stringify(lines).includes('text of an agent'));
    });
  });

  it('a sink that keeps failing is left alone, and asked with one alert whether it is back', async () => {
    await withPlaces([], async () => {
      let isBack = false;
      let tries = 0;
      const flaky = createScriptedSink(async () => {
        tries += 1;
        return isBack
          ? { type: 'sent', detail: 'ok' }
          : { type: 'retry', detail: 'HTTP 503', afterMs: 0 };
      });
      const by = notifier(null, 0, { flaky });
      for (let n = 1; n <= 9; n += 1) await announce(n, 'opened');
      for (let seconds = 0; seconds < 25; seconds += 1) {
        await look(by);
        clock.pass(1000);
      }
      assert.equal(tries, 5);
      clock.pass(30_000);
      await look(by);
      assert.equal(tries, 6);
      isBack = true;
      clock.pass(31_000);
      await look(by);
      assert.equal(tries, 15);
      assert.deepEqual(await states(), ['flaky sent 9']);
    });
  });

  it('what is too large for a sink, or of no case in the record, is given up and said', async () => {
    await withPlaces(['webhook'], async () => {
      const small = createScriptedSink(async () => ({ type: 'sent', detail: 'ok' }), {
        bytesMax: 10,
      });
      const by = notifier(null, 0, { small });
      await announce(1, 'opened');
      await announce(2, 'opened');
      const alerts = createAlertLog(db);
      const routing = { choose: () => ['small', 'webhook'], groupMs: 0, repeatMs: 0 };
      await alerts.route(routing, clock.nowMs());
      await db.query('delete from case_record where id = $1', [theCase(2).id]);
      await look(by);
      assert.deepEqual(await states(), ['small dead 2', 'webhook dead 1', 'webhook sent 1']);
      const details = (await listAlerts(db, { state: 'dead', limit: 9 })).map(
        ({ detail }) => detail,
      );
      assert.ok(details.some((one) => /[0-9]+ bytes, more than 10/.test(one ?? '')));
      assert.ok(details.some((one) => /could not be rendered/.test(one ?? '')));
    });
  });
});

describe('what stands', () => {
  it('is told again every minute to who would take silence for an end, until it is over', async () => {
    await withPlaces(['alertmanager', 'webhook'], async () => {
      const by = notifier(null, 0);
      await announce(1, 'opened');
      const stopping = new AbortController();
      const running = by.run(stopping.signal);
      const until = async (what: string, done: () => boolean) => {
        const startedMs = Date.now();
        while (!done()) {
          assert.ok(Date.now() - startedMs < 60_000, what);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      try {
        const id = theCase(1).id;
        // The clock hurries: each turn of the loop is a second or more.
        const from = clock.nowMs();
        await until('ten minutes pass', () => clock.nowMs() - from > 10 * 60_000);
        assert.equal(place('alertmanager').stateOf(id), 'open');
        assert.equal(place('alertmanager').taken().length, 1);
        assert.equal(place('webhook').taken().length, 1);
        await announce(1, 'resolved');
        await until('it is over', () => place('alertmanager').stateOf(id) === 'over');
      } finally {
        stopping.abort();
        await running;
      }
    });
  });

  it('changes its labels with its level: the alert under the old ones is over', async () => {
    await withPlaces(['alertmanager'], async () => {
      const by = notifier(null, 0);
      for (const level of LEVELS) {
        clock.pass(1000);
        await announce(1, level === 'informational' ? 'opened' : 'level', level);
        await look(by);
      }
      const [alerts] = JSON.parse(place('alertmanager').everything()) as [
        { labels: { severity: string }; active: boolean }[],
      ];
      assert.deepEqual(alerts.map(({ labels, active }) => `${labels.severity} ${active}`).sort(), [
        'critical true',
        'info false',
        'none false',
        'warning false',
      ]);
    });
  });
});
