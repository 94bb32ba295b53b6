/** Case run: one case of a detector through the core, record by record in the order of time. */

import type { SourceConfig } from '../model/config/source.ts';
import type { Detection, NoticeCode } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import { KINDS, type Kind, type Trust } from '../model/event.ts';
import type { Inventory } from '../model/expectation.ts';
import { eventId } from '../model/ids.ts';
import type { Rec } from '../model/ports.ts';
import type { PipelineOptions } from '../pipeline/options.ts';
import { createPipeline } from '../pipeline.ts';
import { encodeEvent } from '../source/canonical.ts';
import type { Labelled } from './case-file.ts';
import { laneOptions } from './lane.ts';

/** Whose word each book is, in every case. */
const TRUST: Readonly<Record<Kind, Trust>> = {
  reasoning: 'agent',
  gateway: 'gateway',
  governance: 'policy',
  metrics: 'platform',
};

/** Sources of every case: one canonical stream a book, whose topic bears the book's name. */
export const CASE_SOURCES: readonly SourceConfig[] = KINDS.map((kind) => ({
  name: kind,
  topic: kind,
  decoder: 'canonical',
  trust: TRUST[kind],
  kinds: [kind],
}));

/** The clock of a case stands still, far behind everything that happens in it. */
const NOW_MS = 2_100_000_000_000;

/** What a case is run with. */
export interface CaseLibrary {
  readonly detectors: readonly Detector[];
  readonly inventory: Inventory;
}

/** A detection, its witnesses by the labels of the case; `setup` is an event of the preamble. */
export interface Fired {
  readonly detector: string;
  readonly agent: string;
  readonly session: string | null;
  readonly seq: number | null;
  readonly tool: string | null;
  readonly evidence: readonly string[];
}

/** What came of it. */
export interface CaseOutcome {
  readonly fired: readonly Fired[];
  /** Records that could not be read, in words. */
  readonly unreadable: readonly string[];
  /** Was anything said: a finding, a book that is blind, a question left open? */
  readonly saidAnything: boolean;
}

/** Notices that own up to a book that cannot be heard. */
const OWNED: ReadonlySet<NoticeCode> = new Set<NoticeCode>([
  'agent.uninstrumented',
  'agent.grants-unknown',
  'source.blind',
]);

/** How often a book that is looked up would have to speak, where its silence is to be noticed. */
const EXPECTED = '5m';

/**
 * Options of the core that every case is run with; no baseline, no objective, nothing learnt.
 * `withheld`: the book that is to be left out; one that nobody waits for is waited for then.
 */
export function caseOptions(
  { detectors, inventory }: CaseLibrary,
  withheld: Kind | null = null,
): PipelineOptions {
  const isLookedUp = withheld === 'governance' || withheld === 'metrics';
  const sources = CASE_SOURCES.map((source) =>
    isLookedUp && source.name === withheld ? { ...source, expectEvery: EXPECTED } : source,
  );
  const library = { detectors, inventory, mappings: new Map() };
  const extra = { file: 'case', digestKey: 'test', driver: 'test', mode: 'autonomous' } as const;
  return { ...laneOptions({ sources }, library, extra).options, maturity: { hard: 'enforce' } };
}

/** Runs the events, which are in the order of time. */
export function runCase(events: readonly Labelled[], options: PipelineOptions): CaseOutcome {
  const pipeline = createPipeline(options);
  const nothing = { positions: [], pages: [], deltas: [], seq: 0 };
  // Nothing is stored: there is nothing to wait for between the steps.
  for (const _ of pipeline.restoring(nothing, null, {}));
  const logs = logsOf(events);
  const partitions = KINDS.map((topic) => ({
    ...{ topic, partition: 0, low: 0, next: 0 },
    end: logs.ends.get(topic) ?? 0,
  }));
  pipeline.assign(partitions, NOW_MS);
  const labels = new Map<string, string>();
  for (const { record, label } of logs.records) {
    for (const event of options.decode(record).events) labels.set(eventId(event), label);
    const end = logs.ends.get(record.topic) ?? 0;
    pipeline.slice([record], record.offset + 1, end, NOW_MS);
  }
  pipeline.drain();
  const { effects, counters } = pipeline.commit();
  const { detections, deadLetters, coverage, notices } = effects;
  const isOwned = notices.some(({ code }) => OWNED.has(code));
  const isOpen = (counters['undecided'] ?? 0) > 0;
  return {
    saidAnything: detections.length > 0 || coverage.length > 0 || isOpen || isOwned,
    fired: detections.map((one) => firedOf(one, labels)),
    unreadable: deadLetters.map(({ reason, detail }) => `${reason}: ${detail}`),
  };
}

function logsOf(events: readonly Labelled[]): {
  readonly records: readonly { readonly record: Rec; readonly label: string }[];
  readonly ends: ReadonlyMap<string, number>;
} {
  const ends = new Map<string, number>();
  const records = events.map(({ event, label, receivedMs, raw }) => {
    const topic = event.kind;
    const offset = ends.get(topic) ?? 0;
    ends.set(topic, offset + 1);
    const value = Buffer.from(raw ?? encodeEvent(event));
    const place = { topic, partition: 0, offset };
    return { record: { ...place, timestampMs: receivedMs, key: null, value }, label };
  });
  return { records, ends };
}

function firedOf(detection: Detection, labels: ReadonlyMap<string, string>): Fired {
  const { detector, entity, seq, tool, witnesses } = detection;
  return {
    ...{ detector, agent: entity.agent, session: entity.session, seq, tool },
    evidence: witnesses.map(({ eventId: id }) => labels.get(id) ?? 'unknown').sort(),
  };
}
