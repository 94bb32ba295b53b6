/** Baselines on a real database: from proposal to promotion, through git, and back. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Profile } from '../../src/baseline/profile.ts';
import { profileHash } from '../../src/baseline/profile.ts';
import { profileText } from '../../src/baseline/proposal.ts';
import { succeed } from '../../src/baseline/succession.ts';
import { WINDOW_DEFAULT_MS } from '../../src/baseline/window.ts';
import {
  approveProposal,
  rejectProposal,
  rollBack,
  type Signature,
} from '../../src/commands/baseline-acts.ts';
import { inForceOf, profilesInForce, reviewOf } from '../../src/commands/baseline-drift.ts';
import { exportVersion, readBaseline } from '../../src/commands/baseline-files.ts';
import { importBaseline } from '../../src/commands/baseline-import.ts';
import { type Learning, learnAndPropose } from '../../src/commands/baseline-learn.ts';
import { proposeProfile } from '../../src/commands/baseline-propose.ts';
import { reviewText } from '../../src/commands/baseline-text.ts';
import {
  baselinesDue,
  careForBaselines,
  closeWindow,
  openLearning,
} from '../../src/commands/window-acts.ts';
import { noEffects } from '../../src/model/effects.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { Database } from '../../src/model/ports.ts';
import type { WindowScope } from '../../src/model/window.ts';
import {
  listVersions,
  putDocument,
  readDocument,
  versionByHash,
  versionInForce,
} from '../../src/record/baselines.ts';
import { readJournal, verifyJournal } from '../../src/record/journal.ts';
import { claimLane, commitLane } from '../../src/record/lane.ts';
import { listWindows } from '../../src/record/windows.ts';
import { EVIDENCE, follower, profile, REGISTRY, units } from '../baseline/profiles.ts';
import { ask, type } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { detection } from './samples.ts';

const NOW_MS = 1_801_000_000_000;

/** A role of its own for each test: one database serves several. */
const role = (subject: string) => ({ level: 'role', subject }) as const;

let provider: ProvidedPostgres;
let shared: FreshDatabase;
let empty: FreshDatabase;
const databases: FreshDatabase[] = [];
const folders: string[] = [];
before(async () => {
  provider = await providePostgres();
  shared = await fresh();
  empty = await fresh();
});
after(async () => {
  for (const { drop } of databases) await drop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  await provider.stop();
});

const fresh = async (): Promise<FreshDatabase> => {
  const database = await freshDatabase(provider);
  databases.push(database);
  return database;
};
const freshFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'plt-baselines-'));
  await chmod(folder, 0o755);
  folders.push(folder);
  return folder;
};
const sign = (by: string, clockMs = NOW_MS): Signature => ({ by, reason: 'test', clockMs });
const propose = async (db: Database, one: Profile, by: string, window: string | null = null) =>
  await proposeProfile(
    db,
    REGISTRY,
    { profile: one, hash: profileHash(one), evidence: EVIDENCE, waivers: [], window },
    sign(by),
  );
const refuses = async (work: Promise<unknown>, message: RegExp, code = 'BASELINE_REFUSED') =>
  await assert.rejects(work, (cause) => {
    assert.ok(cause instanceof OperatingError, String(cause));
    assert.equal(cause.code, code, cause.message);
    assert.match(cause.message, message);
    return true;
  });
const openFor = async (db: Database, scope: WindowScope, change: string, dimensions = ['*']) =>
  (
    await openLearning(
      db,
      {
        ...{ scope, change, rule: null, dimensions, tools: null, opensMs: NOW_MS },
        ...{ openedBy: 'gina', beneficiary: 'team-x', reason: 'model upgrade' },
      },
      NOW_MS,
    )
  ).window;
/** Promotes one as genesis, and a second, slightly other one in a window. */
const twoVersions = async (db: Database, scope: WindowScope): Promise<[Profile, Profile]> => {
  const first = profile(scope);
  await propose(db, first, 'bob');
  await approveProposal(db, profileHash(first), false, sign('ann'));
  await openFor(db, scope, 'gov-evt-1');
  const steps = { 'first-seen': 0.02, mix: 0.02, sequence: 0.02 };
  const second = follower(first, { units: units(400, 0.3), meta: { ledger: steps } });
  await propose(db, second, 'bob');
  await approveProposal(db, profileHash(second), false, sign('ann'));
  return [first, second];
};
const journalled = async (db: Database): Promise<Record<string, unknown>[]> => {
  const bodies: Record<string, unknown>[] = [];
  for await (const { kind, body } of readJournal(db, 0))
    bodies.push({ kind, ...(JSON.parse(body) as Record<string, unknown>) });
  return bodies;
};

test('a whole life: genesis, review, four eyes, a governed window, rollback; all of it journalled', async () => {
  const { db } = shared;
  const scope = role('life');
  const first = profile(scope);
  const hash = profileHash(first);
  const proposed = await propose(db, first, 'bob');
  assert.equal(proposed.window.state, 'REVIEW');
  assert.equal(proposed.window.rule, 'genesis');
  assert.equal(await versionInForce(db, scope), null);
  await refuses(
    approveProposal(db, hash, false, sign(' BOB ')),
    /four eyes: {2}BOB {2}proposed it/,
  );
  const outcome = await approveProposal(db, hash.slice(0, 20), false, sign('ann'));
  assert.equal(outcome.window.state, 'PROMOTED');
  assert.deepEqual(outcome.version.approvedBy, ['ann']);
  await refuses(approveProposal(db, hash, false, sign('eve')), /is in force: there is nothing/);
  await refuses(propose(db, follower(first), 'bob'), /no window is open for life/);

  const window = await openFor(db, scope, 'gov-evt-1', ['sequence', 'mix']);
  const again = await openLearning(
    db,
    { ...window, openedBy: 'zoe', lengthMs: WINDOW_DEFAULT_MS },
    NOW_MS,
  );
  assert.deepEqual([again.isNew, again.window.openedBy], [false, 'gina']);
  const changed = { units: units(400, 0.3), meta: { ledger: { mix: 0.02, sequence: 0.02 } } };
  await refuses(propose(db, follower(first, changed), 'bob'), /also changes first-seen/);
  await refuses(
    propose(db, profile({ ...scope, ...changed }), 'bob'),
    /follows nothing, but [0-9a-f]{12} is in force/,
  );
  const learnt = follower(first, changed);
  const scoped: Profile = {
    ...learnt,
    dimensions: { ...learnt.dimensions, 'first-seen': first.dimensions['first-seen'] ?? null },
  };
  const hidden: Profile = { ...scoped, meta: { ...scoped.meta, ledger: { mix: 0.02 } } };
  await refuses(propose(db, hidden, 'bob'), /drift ledger states less than there is in sequence/);
  await propose(db, scoped, 'bob');
  const { report } = await reviewOf(
    db,
    REGISTRY,
    (await versionByHash(db, profileHash(scoped))) ?? assert.fail(),
  );
  const mix = report.dimensions.find(({ dimension }) => dimension === 'mix');
  assert.equal(report.previous, hash);
  assert.ok((mix?.jsBits ?? 0) > 0.01 && (mix?.expectedBits ?? 1) < 0.01, JSON.stringify(mix));
  await refuses(approveProposal(db, profileHash(scoped), false, sign('Team-X')), /would benefit/);
  await approveProposal(db, profileHash(scoped), false, sign('ann'));
  assert.equal((await versionInForce(db, scope))?.hash, profileHash(scoped));

  // What a learner starts from next, and what a lane would load.
  const start = await inForceOf(db, scope);
  assert.deepEqual([start?.profile, start?.anchor], [scoped, first]);
  assert.ok((start?.ledger['mix'] ?? 0) > 0.01);
  assert.deepEqual(
    (await profilesInForce(db)).filter(({ subject }) => subject === 'life'),
    [scoped],
  );
  const unlearnt = succeed(REGISTRY, profile(changed), start, { dimensions: ['*'], change: null });
  assert.equal(unlearnt.meta.parent, profileHash(scoped));
  const back = await rollBack(db, scope, null, sign('ann'));
  assert.deepEqual([back.to.hash, back.from.hash], [hash, profileHash(scoped)]);
  await refuses(rollBack(db, scope, null, sign('ann')), /nothing was in force/);
  const forth = await rollBack(db, scope, profileHash(scoped), sign('ann'));
  assert.equal(forth.to.hash, profileHash(scoped));
  const states = (await listWindows(db, { open: false, scope, limit: 10 })).map(
    ({ state, rule }) => [rule ?? 'change', state],
  );
  assert.deepEqual(states.sort(), [
    ['change', 'PROMOTED'],
    ['genesis', 'SUPERSEDED'],
  ]);
  const journal = (await journalled(db)).slice(0, 40);
  const told = journal.map((one) => `${one['kind']} ${one['what'] ?? one['state']}`);
  assert.deepEqual(told.slice(0, 5), [
    'window LEARNING',
    'window CALIBRATING',
    'window REVIEW',
    'baseline promoted',
    'window PROMOTED',
  ]);
  assert.equal(told.filter((one) => one === 'baseline rolled-back').length, 2);
  assert.equal((await verifyJournal(db, 0)).ok, true);
});

test('whatever learns a profile needs to know nothing of parents, ledgers or other dimensions', async () => {
  const { db } = shared;
  const scope = role('learner');
  const learning = (share: number): Learning => ({
    ...{ scope, waivers: [], window: null },
    learn: () => ({ profile: profile({ ...scope, units: units(400, share) }), evidence: EVIDENCE }),
  });
  const genesis = await learnAndPropose(db, REGISTRY, learning(0.1), sign('bob'));
  await approveProposal(db, genesis.version.hash, false, sign('ann'));
  await refuses(learnAndPropose(db, REGISTRY, learning(0.3), sign('bob')), /no window is open/);
  await openFor(db, scope, 'gov-evt-learn', ['mix']);
  const next = await learnAndPropose(db, REGISTRY, learning(0.3), sign('bob'));
  assert.deepEqual(
    [next.version.parent, next.window.change],
    [genesis.version.hash, 'gov-evt-learn'],
  );
  assert.deepEqual(Object.keys(next.version.ledger).sort(), ['first-seen', 'mix', 'sequence']);
  assert.equal(next.version.ledger['sequence'], 0);
  const done = await approveProposal(db, next.version.hash, false, sign('ann'));
  assert.equal(done.version.state, 'promoted');
});

test('criteria that are not met stop a proposal, unless a person waives them by name', async () => {
  const { db } = shared;
  const scope = role('criteria');
  const one = profile({ ...scope, meta: { days: 2 }, calibrated: 120 });
  const given = { profile: one, hash: profileHash(one), evidence: {}, window: null };
  await refuses(
    proposeProfile(db, REGISTRY, { ...given, waivers: [] }, sign('bob')),
    /fit-units not measured .*calibration-units 120 \(at least 200\).*days 2/,
  );
  // Nothing was left behind by the refusal.
  assert.deepEqual(await listWindows(db, { open: false, scope, limit: 9 }), []);
  assert.deepEqual(await listVersions(db, { scope, limit: 9 }), []);
  const names = [
    ...['fit-units', 'calibration-units', 'fit-before-calibration-ms', 'days', 'unseen-tools'],
    ...['unseen-origins', 'halves-alike-p', 'lag-1', 'source-presence'],
  ];
  const waivers = names.map((name) => ({ name, why: 'bob: a small fleet' }));
  const { window } = await proposeProfile(db, REGISTRY, { ...given, waivers }, sign('bob'));
  assert.equal(window.state, 'REVIEW');
  assert.equal(window.criteria.filter(({ waived }) => waived !== null).length, names.length);
});

test('of two approvals at once one promotes; a proposal made for what is gone is refused', async () => {
  const { db } = shared;
  const scope = role('rivals');
  const [, second] = await twoVersions(db, scope);
  const ledger = { 'first-seen': 0.05, mix: 0.1, sequence: 0.1 };
  const rivals = [0.35, 0.4].map((share) =>
    follower(second, { units: units(400, share), meta: { ledger } }),
  );
  for (const [at, rival] of rivals.entries()) {
    const window = await openFor(db, scope, `gov-evt-rival-${at}`);
    await propose(db, rival, 'bob', window.id);
  }
  const results = await Promise.allSettled(
    rivals.flatMap((rival) => [
      approveProposal(db, profileHash(rival), false, sign('ann')),
      approveProposal(db, profileHash(rival), false, sign('carl')),
    ]),
  );
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const one of results)
    if (one.status === 'rejected') {
      assert.ok(one.reason instanceof OperatingError, String(one.reason));
      assert.equal(one.reason.code, 'BASELINE_REFUSED');
      assert.match(one.reason.message, /is in force/);
    }
  const promoted = await listVersions(db, { states: ['promoted'], scope, limit: 9 });
  assert.equal(promoted.length, 1);
  assert.ok(rivals.some((rival) => profileHash(rival) === promoted[0]?.hash));
  assert.equal((await verifyJournal(db, 0)).ok, true);
});

test('event time ends windows, and never promotes; a person and hard evidence end them too', async () => {
  const { db } = await fresh();
  const scope = role('timed');
  const [, second] = await twoVersions(db, scope);
  const ledger = { 'first-seen': 0.05, mix: 0.1, sequence: 0.1 };
  const third = follower(second, { units: units(400, 0.35), meta: { ledger } });
  const late = await openFor(db, scope, 'gov-evt-late');
  await propose(db, third, 'bob', late.id);
  const closed = await openFor(db, scope, 'gov-evt-closed');
  assert.equal((await closeWindow(db, closed.id, sign('gina'))).state, 'REJECTED');
  // Wall clock alone does nothing once a lane tells event time.
  const claimed = await claimLane(db, {
    ...{ group: 'g', lane: 0, owner: 'o', pages: 1 },
    topicPartitions: [{ topic: 't', partition: 0 }],
  });
  const commit = async (watermarkMs: number, effects = noEffects()) => {
    const empty = { moves: [], delta: null, pages: [], counters: {} };
    assert.equal(await commitLane(db, claimed.claim, { ...empty, effects, watermarkMs }), 'done');
  };
  await commit(late.expiresMs - 1);
  const calm = await careForBaselines(db, late.expiresMs + 1e9);
  assert.deepEqual(calm, { expired: [], aborted: [] });
  assert.equal((await baselinesDue(db, NOW_MS)).inReview, 1);
  await commit(late.expiresMs);
  const ended = await approveProposal(db, profileHash(third), false, sign('ann'));
  assert.deepEqual([ended.window.state, ended.version.state], ['EXPIRED', 'rejected']);
  assert.equal((await versionInForce(db, scope))?.hash, profileHash(second));

  const other = await openLearning(
    db,
    {
      ...{ scope, change: 'gov-evt-hard', rule: null, dimensions: ['*'], tools: null },
      ...{ opensMs: late.expiresMs, openedBy: 'gina', beneficiary: null, reason: 'r' },
    },
    NOW_MS,
  );
  const entity = { tenant: 'acme', agent: 'a', role: 'timed', session: 's' };
  const effects = noEffects();
  effects.detections.push(detection(1, { entity, timeMs: late.expiresMs + 5 }));
  await commit(late.expiresMs + 10, effects);
  const round = await careForBaselines(db, NOW_MS);
  assert.deepEqual(round.aborted, [other.window.id]);
  const shadow = detection(2, { entity, maturity: 'shadow', timeMs: late.expiresMs + 20 });
  const more = noEffects();
  more.detections.push(shadow);
  const quiet = await openLearning(
    db,
    {
      ...{ scope, change: 'gov-evt-shadow', rule: null, dimensions: ['mix'], tools: null },
      ...{ opensMs: late.expiresMs + 10, openedBy: 'gina', beneficiary: null, reason: 'r' },
    },
    NOW_MS,
  );
  await commit(late.expiresMs + 30, more);
  assert.deepEqual((await careForBaselines(db, NOW_MS)).aborted, []);
  assert.equal((await closeWindow(db, quiet.window.id, sign('gina'))).ended?.by, 'gina');
  // Forty days later nobody has looked at it again.
  await commit(late.expiresMs + 40 * 86_400_000);
  const { stale } = await baselinesDue(db, NOW_MS);
  assert.equal(stale.length, 1);
  assert.ok((stale[0]?.trust ?? 1) < 1 && (stale[0]?.trust ?? 0) > 0.8);
});

test('at the cap of the drift ledger only two full re-approvals promote, and it begins anew', async () => {
  const { db } = shared;
  const scope = role('far');
  const [, second] = await twoVersions(db, scope);
  await openFor(db, scope, 'gov-evt-far');
  const ledger = { 'first-seen': 1, mix: 1, sequence: 1 };
  const far = follower(second, {
    units: units(400, 1, 'wire_money').map((one, at) =>
      at % 2 === 0 ? { ...one, items: one.items.slice(2) } : one,
    ),
    meta: { ledger },
  });
  const { window } = await propose(db, far, 'bob');
  assert.deepEqual([window.approvalsNeeded, window.fullNeeded], [2, true]);
  const hash = profileHash(far);
  await refuses(approveProposal(db, hash, false, sign('ann')), /drift ledger is at its cap/);
  assert.equal((await approveProposal(db, hash, true, sign('ann'))).window.state, 'REVIEW');
  await refuses(approveProposal(db, hash, true, sign('Ann')), /approved it already/);
  const { version } = await approveProposal(db, hash, true, sign('carl'));
  assert.deepEqual([version.state, version.anchor, version.ledger], ['promoted', hash, {}]);
});

test('documents and the journal hold: the database itself refuses a changed document', async () => {
  const { db } = shared;
  const one = profile({ subject: 'documents' });
  const text = profileText(one);
  await putDocument(db.query, profileHash(one), text);
  assert.equal(await readDocument(db, profileHash(one)), text);
  await refuses(
    putDocument(db.query, profileHash(one).replace(/.$/, 'x'), text),
    /SQLSTATE 23514 .*blob_is_what_its_hash_says/,
    'DATABASE_REFUSED',
  );
  await refuses(db.query('delete from baseline_blob'), /23001/, 'DATABASE_REFUSED');
  await db.transaction(async (query) => {
    await query('alter table baseline_blob disable trigger user');
    await query('alter table baseline_blob drop constraint blob_is_what_its_hash_says');
    await query('update baseline_blob set bytes = $2 where hash = $1', [
      profileHash(one),
      Buffer.from(text.replace('documents', 'x')),
    ]);
  });
  await refuses(readDocument(db, profileHash(one)), /the stored baseline sha256:.* was changed/);
});

test('through git: export, import into an empty database, the same bytes again, rollback', async () => {
  const { db } = shared;
  const scope = role('git');
  const [first, second] = await twoVersions(db, scope);
  const dir = await freshFolder();
  const write = async (hash: string, into: string) => {
    const version = (await versionByHash(db, hash)) ?? assert.fail();
    return await exportVersion(db, REGISTRY, version, into);
  };
  await rollBack(db, scope, null, sign('ann'));
  const exported = await write(profileHash(first), dir);
  const path = exported.files[0] ?? assert.fail();
  const bytes = async (folder: string): Promise<Map<string, string>> => {
    const texts = new Map<string, string>();
    for (const name of (await readdir(folder, { recursive: true })).sort())
      if (name.includes('.')) {
        const whole = await readFile(join(folder, name));
        texts.set(name, name.endsWith('.gz') ? whole.toString('hex') : whole.toString('utf8'));
      }
    return texts;
  };
  const before = await bytes(dir);
  assert.equal(before.size, 3);
  await write(profileHash(first), dir);
  assert.deepEqual(await bytes(dir), before);

  const other = empty;
  const third = await fresh();
  const read = await readBaseline(path, REGISTRY);
  assert.equal(read.hash, profileHash(first));
  const own = await importBaseline(third.db, REGISTRY, read, sign('Ann'));
  assert.deepEqual(
    [own.result, own.why],
    ['waits', 'the file names no approver other than who imports it'],
  );
  await rejectProposal(third.db, read.hash, sign('carl'));
  const taken = await importBaseline(other.db, REGISTRY, read, sign('dora'));
  assert.equal(taken.result, 'in-force');
  assert.equal((await importBaseline(other.db, REGISTRY, read, sign('dora'))).result, 'unchanged');
  const copy = await freshFolder();
  const there = (await versionInForce(other.db, scope)) ?? assert.fail();
  await exportVersion(other.db, REGISTRY, there, copy);
  for (const [name, text] of await bytes(copy)) assert.equal(text, before.get(name), name);

  const next = await freshFolder();
  const later = (await write(profileHash(second), next)).files[0] ?? assert.fail();
  const followed = await importBaseline(
    other.db,
    REGISTRY,
    await readBaseline(later, REGISTRY),
    sign('dora'),
  );
  assert.equal(followed.result, 'in-force', followed.why);
  assert.equal((await versionInForce(other.db, scope))?.hash, profileHash(second));
  await rollBack(other.db, scope, null, sign('dora'));
  assert.equal((await versionInForce(other.db, scope))?.hash, profileHash(first));
  // It does not follow what is in force: a person decides.
  const stranger = profile({ ...scope, units: units(300) });
  await propose(third.db, stranger, 'bob');
  await approveProposal(third.db, profileHash(stranger), false, sign('ann'));
  const waits = await importBaseline(third.db, REGISTRY, read, sign('dora'));
  assert.match(waits.why, /does not follow what is in force here/);
  assert.equal((await rejectProposal(third.db, read.hash, sign('ann'))).version.state, 'rejected');
  assert.equal((await verifyJournal(other.db, 0)).ok, true);
});

test('a file that was changed after the review is refused, and the message says where', async () => {
  const { db } = shared;
  const scope = role('tampered');
  const [first] = await twoVersions(db, scope);
  await rollBack(db, scope, null, sign('ann'));
  const dir = await freshFolder();
  const version = (await versionInForce(db, scope)) ?? assert.fail();
  const { files } = await exportVersion(db, REGISTRY, version, dir);
  const [yaml = '', document = ''] = files;
  const text = await readFile(yaml, 'utf8');
  const packed = await readFile(document);
  const attempt = async (message: RegExp) => {
    await refuses(readBaseline(yaml, REGISTRY), message, 'CONFIG_INVALID');
    await writeFile(yaml, text);
    await writeFile(document, packed);
  };
  await writeFile(yaml, text.replace('sessions: 400', 'sessions: 4000'));
  await attempt(/tampered\.yaml:\d+: readable\.meta\.sessions: is not what the document says/);
  await writeFile(yaml, text.replace('symbol: get_ticket:read', 'symbol: get_ticket:write'));
  await attempt(/readable\.dimensions\.1\.top\.1\.symbol: is not what the document says/);
  await writeFile(yaml, text.replace(/sha256:[0-9a-f]{4}/, 'sha256:0000'));
  await attempt(/document\.sha256: pins sha256:0000.* one of the two was changed after the review/);
  await writeFile(yaml, text.replace('file: tampered', 'file: ../tampered'));
  await attempt(/document\.file: must match/);
  await writeFile(yaml, `${text}surprise: 1\n`);
  await attempt(/surprise: unknown key; allowed here: format, level/);
  const changed = profileText(first).replace('"days":8', '"days":80');
  assert.notEqual(changed, profileText(first));
  await writeFile(document, gzipSync(changed));
  await attempt(/document\.sha256: pins/);
  await writeFile(document, gzipSync(`${profileText(first)}\n`));
  await attempt(/one of the two was changed/);
  await writeFile(document, gunzipSync(packed));
  await attempt(/cannot be unpacked/);
  await writeFile(document, gzipSync('[1, 2'));
  await attempt(/must be an object, is null/);
  await writeFile(document, gzipSync(profileText({ ...first, scores: 9 })));
  await attempt(/scores: made by score functions of version 9/);
  await writeFile(document, gzipSync(profileText({ ...first, dimensions: { mix: [1] } })));
  await attempt(/dimensions\.mix|one of the two was changed/);
  await rm(document);
  await attempt(/cannot be read: ENOENT/);
  assert.equal((await readBaseline(yaml, REGISTRY)).hash, profileHash(first));
});

test('as people type it', async () => {
  const database = await fresh();
  const scope = role('support-triage');
  const cwd = await freshFolder();
  const where = { cwd, env: { DATABASE_URL: database.url } };
  const signed = (by: string) => ['--by', by, '--reason', 'because'];
  const first = profile();
  const short = profileHash(first).slice(7, 19);
  await writeFile(join(cwd, 'p.json'), JSON.stringify({ profile: first, evidence: EVIDENCE }));
  const none = await type(['baseline'], where);
  assert.match(none.stdout, /No baseline so far/);
  const proposed = await type(['baseline', 'propose', 'p.json', ...signed('bob')], where);
  assert.equal(proposed.code, 0, proposed.stderr);
  assert.match(proposed.stdout, /waits for 1 approval\./);
  const review = await type(['baseline', 'review', 'support-triage'], where);
  assert.match(review.stdout, /Exit criteria\n {2}met {5}fit-units 300 \(at least 200\)/);
  assert.match(review.stdout, /Kept out\n {2}1 improbable: session-bad/);
  assert.match(review.stdout, new RegExp(`baseline approve ${short} --by YOU`));
  const alone = await type(['baseline', 'approve', short, ...signed('bob')], where);
  assert.deepEqual([alone.code, alone.stdout], [1, '']);
  assert.match(alone.stderr, /BASELINE_REFUSED: .*four eyes: bob proposed it/);
  assert.equal((await type(['baseline', 'approve', short], where)).code, 2);
  const approved = await type(['baseline', 'approve', short, ...signed('ann')], where);
  assert.match(
    approved.stdout,
    /is in force, approved by ann\.\nA daemon judges by it from its next start\.\n/,
  );
  const status = await type(['baseline', 'status'], where);
  assert.match(status.stdout, new RegExp(`role support-triage +${short} +in force .* ann\n`));
  const written = await ask<{ files: string[] }[]>(['baseline', 'export', '--dir', 'out'], where);
  assert.equal(written[0]?.files.length, 3);
  const clean = empty;
  const there = { cwd, env: { DATABASE_URL: clean.url } };
  const file = written[0]?.files[0] ?? '';
  const imported = await type(['baseline', 'import', file, ...signed('dora')], there);
  assert.match(
    imported.stdout,
    /is in force, as its review says\.\nA daemon judges by it from its next start\.\n/,
  );

  const checked = await type(['check', '--baselines', 'out'], where);
  assert.equal(checked.code, 0, checked.stdout);
  const text = await readFile(join(cwd, file), 'utf8');
  await writeFile(join(cwd, file), text.replace('agents: 5', 'agents: 50'));
  const tampered = await type(['check', '--baselines', 'out'], where);
  assert.equal(tampered.code, 2);
  assert.match(tampered.stdout, /support-triage\.yaml:\d+: readable\.meta\.agents: is not what/);
  const change = ['--change', 'ticket-7', '--dimensions', 'mix,sequence', '--for', '3d'];
  const opened = await type(
    ['window', 'open', 'support-triage', ...change, ...signed('gina')],
    where,
  );
  assert.equal(opened.code, 0, opened.stderr);
  assert.match(opened.stdout, /LEARNING · change ticket-7 · opened by gina\n {3}mix, sequence; /);
  const [window] = await ask<{ id: string; expiresMs: number }[]>(
    ['window', 'list', '--open'],
    where,
  );
  const id = window?.id.slice(0, 12) ?? assert.fail();
  const extend = ['window', 'extend', id, '--for', '2d', ...signed('gina')];
  const extended = await ask<{ expiresMs: number }>(extend, where);
  assert.equal(extended.expiresMs - (window?.expiresMs ?? 0), 2 * 86_400_000);
  assert.match((await type(extend, where)).stderr, /there is no second time/);
  const close = await type(['window', 'close', id, ...signed('gina')], where);
  assert.match(close.stdout, /is closed; what was in force stays/);
  const wrong = [
    [['baseline', 'burn'], /no such verb: "burn"; there are status, review/],
    [['baseline', 'approve'], /name what you read/],
    [
      ['baseline', 'propose', 'p.json', '--waive', 'luck', ...signed('b')],
      /--waive takes fit-units/,
    ],
    [
      ['window', 'open', 'x', '--change', 'c', '--dimensions', 'vibes', ...signed('g')],
      /no dimension "vibes"; there are sequence/,
    ],
    [
      ['window', 'open', 'x', '--dimensions', 'mix', ...signed('g')],
      /--change names the governance/,
    ],
    [['window', 'shut'], /no such verb: "shut"/],
  ] as const;
  for (const [args, message] of wrong) {
    const { code, stderr } = await type(args, where);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, message);
  }
  const lines = reviewText(
    (
      await reviewOf(
        database.db,
        REGISTRY,
        (await versionInForce(database.db, scope)) ?? assert.fail(),
      )
    ).report,
    (await listWindows(database.db, { open: false, limit: 9 }))[1] ?? assert.fail(),
  );
  assert.ok(lines.length > 10);
});
