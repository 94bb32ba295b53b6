/** Regression cases: what was recorded, made small, without content, and still found. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseYaml } from '../../src/adapters/files.ts';
import { type Labelled, readCase, type WrittenCase } from '../../src/commands/case-file.ts';
import {
  type Made,
  type Making,
  makeCase,
  type NotMade,
} from '../../src/commands/case-regression.ts';
import { caseOptions, runCase } from '../../src/commands/case-run.ts';
import type { Recorded } from '../../src/commands/case-write.ts';
import type { Detector } from '../../src/model/detector.ts';
import { eventId } from '../../src/model/ids.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import {
  compare,
  needed,
  prepare,
  runPlain,
  runShuffled,
  runWithout,
  saidAnything,
  verdictOf,
} from '../detectors/run.ts';
import { THOROUGH } from '../sim/amount.ts';
import { shippedLibrary } from '../sim/library.ts';

const library = await shippedLibrary();
const options = caseOptions(library);

/** Of each form and family some; `PLUMBLINE_CASES=all` takes every detector that can be made one of. */
const SOME = [
  ...['argument-mismatch', 'unstated-action', 'denied-then-retried', 'ungranted-action'],
  ...['guardrail-pressure', 'foreign-memory', 'retry-spiral', 'containment-leak', 'phantom-action'],
  ...['unknown-agent', 'audit-tampering', 'quality-erosion'],
];
/** What a case does not carry: a baseline, objectives, what the observer says of itself. */
const NEVER = new Set([
  ...['hijacked-session', 'unusual-behaviour', 'objective-burn-fast', 'objective-burn-slow'],
  ...['clock-skew', 'unreadable-records', 'silent-source', 'forged-record-id'],
  ...['unreadable-share', 'broken-chain'],
]);
const BY_CONTENT = new Set(['secrets-in-arguments']);

function casesOf({ file }: Detector): readonly WrittenCase[] {
  const beside = file.replace(/\.yaml$/, '.test.yaml');
  const parsed = parseYaml(beside, readFileSync(beside, 'utf8'));
  return (parsed.file.documents[0]?.value ?? []) as readonly WrittenCase[];
}

/** Events as a daemon would have read them. */
function recordedOf(events: readonly Labelled[]): Recorded[] {
  const offsets = new Map<string, number>();
  return events.flatMap(({ event, receivedMs }) => {
    const offset = offsets.get(event.kind) ?? 0;
    offsets.set(event.kind, offset + 1);
    const value = Buffer.from(encodeEvent(event));
    const place = { topic: event.kind, partition: 0, offset, timestampMs: receivedMs };
    const { events: decoded } = options.decode({ ...place, key: null, value });
    return decoded.map((one) => ({ id: eventId(one), ms: one.time.eventMs, event: one }));
  });
}

/** The first case of a detector that fires, as if it had been recorded and judged. */
function recorded(stem: string, changes: Partial<Making> = {}): Making | null {
  const detector = library.detectors.find((one) => one.stem === stem);
  assert.ok(detector !== undefined, stem);
  const one = casesOf(detector).find(
    ({ expect, library: own, zone }) =>
      own === undefined && zone === undefined && expect.some((each) => each.detector === stem),
  );
  if (one === undefined) return null;
  const { events } = readCase(stem, one);
  const records = recordedOf(events);
  const fired = runCase(events, options).fired.find((each) => each.detector === stem);
  if (fired === undefined || records.length !== events.length) return null;
  const ids = new Map(events.map(({ label }, at) => [label, records[at]?.id ?? '']));
  const isOwn = ({ event }: Recorded) =>
    event.session === undefined ? event.kind === 'governance' : event.session.id === fired.session;
  return {
    ...{ name: `recorded ${stem}`, why: 'Recorded.', isFalse: false, wrong: [], content: false },
    own: records.filter(isOwn),
    others: records.filter((each) => !isOwn(each)),
    target: {
      ...{ detector: stem, agent: fired.agent, session: fired.session },
      evidence: fired.evidence.map((label) => ids.get(label) ?? ''),
    },
    ...changes,
  };
}

function isMade(made: Made | NotMade): made is Made {
  return 'written' in made;
}

const stems = THOROUGH ? library.detectors.map(({ stem }) => stem) : SOME;

describe('regression case', () => {
  for (const stem of stems.filter((one) => !NEVER.has(one))) {
    const making = recorded(stem, { content: BY_CONTENT.has(stem) });
    // Detectors whose every case brings a library of its own are made cases of by nobody here.
    if (making === null) continue;
    it(`${stem}: is smaller than what was recorded, and is a case like any other`, () => {
      const made = makeCase(making, library);
      assert.ok(isMade(made), `not made: ${JSON.stringify(made).slice(0, 300)}`);
      assert.ok(made.passes);
      assert.ok(made.isLeast, `${made.asked} questions were not enough`);
      assert.ok(made.written.given.length < made.from);
      const runner = prepare(readCase(stem, made.written), library);
      const store = runPlain(runner);
      const { found, wanted } = compare(runner, store, made.written.expect);
      assert.deepEqual(found, wanted);
      assert.ok(wanted.some(({ detector }) => detector === stem));
      assert.deepEqual(verdictOf(runShuffled(runner, 1)), verdictOf(store));
      const detector = library.detectors.find((one) => one.stem === stem) as Detector;
      for (const kind of needed(detector))
        assert.notEqual(saidAnything(runWithout(runner, kind)), null, `silent without ${kind}`);
    });
  }

  it('needs every one of its events', () => {
    const made = makeCase(recorded('argument-mismatch') as Making, library);
    assert.ok(isMade(made));
    const { given } = made.written;
    for (const left of given) {
      const some = { ...made.written, given: given.filter((each) => each !== left) };
      const { fired } = runCase(readCase('x', some).events, options);
      assert.notDeepEqual(
        fired.map(({ detector }) => detector),
        ['argument-mismatch'],
      );
    }
  });

  it('says nothing of whom it was recorded of, and nothing of what they wrote', () => {
    const making = recorded('argument-mismatch') as Making;
    const text = (content: boolean) => {
      const made = makeCase({ ...making, content }, library);
      assert.ok(isMade(made));
      return JSON.stringify(made.written.given);
    };
    const values = making.own.flatMap(({ event }) => Object.values(event.action?.args ?? {}));
    assert.ok(values.length > 0);
    const told = [
      '"agent-1"',
      '"s-1"',
      'File the records',
      ...values.map((one) => JSON.stringify(one)),
    ];
    const redacted = text(false);
    for (const one of told) assert.ok(!redacted.includes(one), one);
    const kept = text(true);
    assert.ok(kept.includes(JSON.stringify(values[0])));
  });

  it('expects silence of a false alarm, fails while the detector fires, and passes when it is mended', () => {
    const making = recorded('denied-then-retried', { isFalse: true }) as Making;
    const made = makeCase(making, library);
    assert.ok(isMade(made));
    assert.deepEqual(made.written.expect, []);
    assert.equal(made.passes, false);
    const mended = {
      ...library,
      detectors: library.detectors.filter(({ stem }) => stem !== 'denied-then-retried'),
    };
    const again = makeCase(making, mended);
    assert.ok(isMade(again));
    assert.ok(again.passes);
    const { fired } = runCase(readCase('x', made.written).events, caseOptions(mended));
    assert.deepEqual(fired, []);
  });

  it('is not made of what does not fire', () => {
    const making = recorded('denied-then-retried') as Making;
    const own = making.own.filter(({ event }) => event.action?.decision !== 'deny');
    const made = makeCase({ ...making, own }, library);
    assert.ok(!isMade(made));
  });
});
