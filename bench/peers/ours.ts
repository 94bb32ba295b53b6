/** Peer `ours`: the three patterns through the product's decoder, rule compiler and detection. */
import { fileURLToPath } from 'node:url';
import { readLibrary } from '../../src/commands/library.ts';
import { createDetect, type DetectSink, KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import type { AnalyticKind } from '../../src/detect/kind.ts';
import type { SourceConfig } from '../../src/model/config/source.ts';
import type { Detection } from '../../src/model/detection.ts';
import { KINDS } from '../../src/model/event.ts';
import type { EventFact, SessionView } from '../../src/model/fact.ts';
import type { Rec } from '../../src/model/ports.ts';
import { createDecode } from '../../src/source/source.ts';
import { Slots } from '../../src/state/slots.ts';
import type { Alerts, Pattern } from '../cep-alerts.ts';
import { answer, input } from '../child.ts';
import { deviation } from './deviation-kind.ts';
import { latency } from './latency-kind.ts';
import { type PeerInput, runSegments } from './segments.ts';

const PATTERNS: Readonly<Record<string, Pattern>> = {
  'cep-denied': 'a',
  'cep-deviation': 'b',
  'cep-latency': 'c',
};
const TOPIC = 'cep';

// Enrolled as any kind is, with a line in the map, but in this process alone: the product has no use for them.
Object.assign(KINDS_OF_ANALYTIC as Record<string, AnalyticKind>, {
  [deviation.name]: deviation,
  [latency.name]: latency,
});
const folder = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const library = await readLibrary(folder('detectors'), { mappingsDir: folder('mappings') });
const source: SourceConfig = {
  ...{ name: TOPIC, topic: TOPIC, decoder: 'cep/1', trust: 'platform', kinds: [...KINDS] },
};
const { decode, problems } = createDecode([source], library.mappings);
refuseProblems(
  [...library.problems, ...problems].map(({ file, key, message }) => `${file} ${key}: ${message}`),
);

const slots = new Slots();
// A bound that is reached is less work, and other alerts: nothing of this workload may reach one.
const bounded = (subject: string, detail: string): never => {
  throw new Error(`${subject}: ${detail}`);
};
const detect = createDetect(library.detectors, {
  ...{ slots, inventory: library.inventory, maturity: {}, blind: () => false },
  evicted: bounded,
  notice: (_code, subject, detail) => bounded(subject, detail),
});
if (detect.detectors.size !== Object.keys(PATTERNS).length)
  throw new Error(`${detect.detectors.size} detectors`);

let found: Alerts | null = null;
const sink: DetectSink = {
  detection: (detection) => note(detection, found as Alerts),
  amendment: () => bounded('amendment', 'nothing of this workload is taken back'),
};

/** A finding of (b) that consumed several intents is as many alerts. */
function note({ detector, entity, witnesses }: Detection, alerts: Alerts): void {
  const pattern = PATTERNS[detector] as Pattern;
  const [first] = witnesses;
  if (pattern === 'b')
    for (let at = 1; at < witnesses.length; at += 1)
      alerts.add(pattern, entity.agent, offsetOf(first), offsetOf(witnesses[at]));
  // Evidence of a correlation ends with the event that completed it.
  else alerts.add(pattern, entity.agent, offsetOf(pattern === 'a' ? witnesses.at(-1) : first), -1);
}

function offsetOf(witness: Detection['witnesses'][number] | undefined): number {
  return witness?.position.offset ?? -1;
}

/** The record through the product's decoder, and what detection sees of it: as correlation states it. */
function factOf(value: Buffer, offset: number): EventFact {
  const record: Rec = {
    ...{ topic: TOPIC, partition: 0, offset, timestampMs: LATER_MS, key: null, value },
  };
  const { events } = decode(record);
  const [event] = events;
  const agent = event?.agent?.id;
  if (event === undefined || events.length !== 1 || agent === undefined)
    throw new Error(`record ${offset} became ${events.length} events`);
  const tenant = event.tenant ?? '-';
  return {
    type: 'event',
    event,
    session: event.session === undefined ? null : sessionOf(event.session.id, tenant, agent),
    tenant,
    agent,
    role: null,
    argsDigest: null,
    toolClass: null,
    granted: null,
    ours: false,
    model: null,
    late: false,
    unannounced: NOTHING,
    context: unasked,
    keyed: unasked,
  };
}

// Received long after it happened: no time is clamped.
const LATER_MS = 4e12;
const NOTHING: readonly [] = [];
const unasked = (): never => bounded('context', 'no detector of this workload asks for it');

function sessionOf(id: string, tenant: string, agent: string): SessionView {
  return {
    ...{ tenant, id, agent, ownedBy: 'witness', role: null },
    ...{ openedMs: null, closedMs: null, parent: null, blind: NOTHING },
  };
}

/** As the spine does: what is due before the event is decided before it. */
function see(fact: EventFact, _offset: number, alerts: Alerts): void {
  found = alerts;
  const beforeMs = fact.event.time.eventMs - 1;
  for (let at = nextMs(); at <= beforeMs; at = nextMs()) detect.passTime(at, sink);
  detect.see(fact, sink);
}

function nextMs(): number {
  return detect.nextMs() ?? Number.POSITIVE_INFINITY;
}

function refuseProblems(all: readonly string[]): void {
  if (all.length > 0) throw new Error(all.join('\n'));
}

answer(runSegments(input<PeerInput>(), { decode: factOf, see, keep: () => slots.takeDelta() }));
