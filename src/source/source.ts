/** Sources: records in, events and dead letters out; trust comes from configuration. */
import type { SourceConfig } from '../model/config/source.ts';
import type { DeadLetter } from '../model/detection.ts';
import { durationMs } from '../model/duration.ts';
import type { Problem } from '../model/errors.ts';
import type { Event, EventTime, EvidenceLevel, NamedAgent } from '../model/event.ts';
import type { Rec } from '../model/ports.ts';
import { hash53OfDigest, mix53, sha256Of } from '../state/hash53.ts';
import { naming } from '../state/names.ts';
import { canonical } from './canonical.ts';
import {
  type ByteFormat,
  clip,
  type Draft,
  type EventParts,
  type Format,
  type Outcome,
} from './draft.ts';
import { cloudEvents } from './formats/cloudevents.ts';
import { itemHash53 } from './formats/otlp-batch.ts';
import { otlpLogs } from './formats/otlp-logs.ts';
import { otlpMetrics } from './formats/otlp-metrics.ts';
import { otlpTraces } from './formats/otlp-traces.ts';
import {
  agentBy,
  aliasesOf,
  type IdentityRules,
  type IdentityTable,
  identityRules,
} from './identity.ts';
import { isStrict } from './item-check.ts';
import { type Facts, noFacts, RECORD_BYTES_MAX, type Rejection } from './json.ts';
import { decodeText } from './json-around.ts';

/** What became of one record. Every record gives an event, a dead letter or a count. */
export interface Decoded {
  readonly events: readonly Event[];
  readonly deadLetters: readonly DeadLetter[];
  readonly flags: {
    /** Members named twice in an object of the record; the last one was taken. */
    readonly duplicateKeys: number;
    /** Events whose time lay too far ahead and was set to the observed time. */
    readonly clamped: number;
    /** Items that the mapping leaves out on purpose. */
    readonly ignored: number;
    /** Values that are not as their conventions prescribe; read as far as they go. */
    readonly nonconforming: number;
  };
}

/** Decodes one record. Total: no input makes it throw. */
export type Decode = (rec: Rec) => Decoded;

/** What a source's topic means, worked out once. */
interface Route {
  readonly source: SourceConfig;
  readonly format: Format | ByteFormat;
  /** A record that says one thing twice must not be read as either on these topics. */
  readonly isStrict: boolean;
  readonly maxFutureSkewMs: number;
  readonly identity: IdentityRules;
}

/** Decoders that are no mapping files, by the name a source calls them. */
export const FORMATS: readonly (Format | ByteFormat)[] = [
  canonical,
  otlpTraces,
  otlpLogs,
  otlpMetrics,
  cloudEvents,
];

/** Bytes of a record that a dead letter keeps. */
const RAW_BYTES_MAX = 64 * 1024;

/**
 * Binds each topic to its source and decoder. Problems name unknown decoders, topics with two
 * sources, and sources whose decoder can produce none of the allowed kinds; `file` is their file.
 */
export function createDecode(
  sources: readonly SourceConfig[],
  mappings: ReadonlyMap<string, Format | ByteFormat>,
  options: {
    readonly file?: string;
    readonly maxBytes?: number;
    readonly identities?: IdentityTable;
  } = {},
): { decode: Decode; problems: Problem[] } {
  const problems: Problem[] = [];
  const routes = new Map<string, Route>();
  const formats = new Map<string, Format | ByteFormat>([
    ...FORMATS.map((format) => [format.name, format] as const),
    ...mappings,
  ]);
  const { aliases, twice } = aliasesOf(options.identities ?? {});
  for (const identity of twice)
    problems.push({
      file: options.file ?? 'configuration',
      line: null,
      key: 'identities',
      message: `${identity} stands for two agents`,
    });
  sources.forEach((source, at) => {
    const report = (key: string, message: string) =>
      problems.push({
        file: options.file ?? 'configuration',
        line: null,
        key: `sources.${at}.${key}`,
        message,
      });
    const format = formats.get(source.decoder);
    if (format === undefined) {
      report(
        'decoder',
        `unknown decoder ${source.decoder}; known: ${[...formats.keys()].join(', ')}`,
      );
      return;
    }
    const read = tailoredTo(source, format, report);
    if (!source.kinds.some((kind) => format.kinds.includes(kind))) {
      report('kinds', `${format.name} produces only ${format.kinds.join(', ')}`);
    }
    if (routes.has(source.topic)) {
      report('topic', `topic ${source.topic} already has a source; one topic, one trust`);
      return;
    }
    routes.set(source.topic, {
      source,
      format: read,
      isStrict: isStrict(source.trust),
      maxFutureSkewMs: durationMs(source.maxFutureSkew ?? '60s'),
      identity: identityRules(source, aliases),
    });
  });
  const maxBytes = options.maxBytes ?? RECORD_BYTES_MAX;
  return { decode: (rec) => decodeRecord(rec, routes.get(rec.topic), maxBytes), problems };
}

/** The format as the source wants it: with its settings, where it has any. */
function tailoredTo(
  source: SourceConfig,
  format: Format | ByteFormat,
  report: (key: string, message: string) => void,
): Format | ByteFormat {
  const { settings = {}, opa } = source;
  const key = opa === undefined ? 'settings' : 'opa.paths';
  if (Object.keys(settings).length === 0 && opa === undefined) return format;
  if (format.tailored === undefined) {
    report(key, `${format.name} has no settings`);
    return format;
  }
  const cases = Object.entries(opa?.paths ?? {}).map(([is, own]) => ({
    ...{ pointer: '/path', is, settings: own },
  }));
  const tailored = format.tailored({ settings, cases });
  for (const problem of tailored.problems) report(key, problem);
  return tailored.format ?? format;
}

function decodeRecord(rec: Rec, route: Route | undefined, maxBytes: number): Decoded {
  if (route === undefined) {
    return refused(rec, null, { reason: 'schema-unknown', detail: 'no source has this topic' });
  }
  if (rec.value === null) {
    return refused(rec, route, { reason: 'tombstone', detail: 'the record has no value' });
  }
  const facts = noFacts();
  const outcomes = outcomesOf(rec.value, rec.headers, route, facts, maxBytes);
  if ('reason' in outcomes) return refused(rec, route, outcomes);
  if (facts.duplicateKeys > 0 && route.isStrict) {
    const detail = `${facts.duplicateKeys} keys are named twice; a ${route.source.trust} record must not be`;
    return refused(rec, route, { reason: 'duplicate-key', detail }, facts.duplicateKeys);
  }
  const digest = sha256Of(rec.value);
  const events: Event[] = [];
  const rejections: [number, Rejection, Uint8Array | undefined][] = [];
  let { duplicateKeys } = facts;
  let clamped = 0;
  let ignored = 0;
  let nonconforming = 0;
  for (let index = 0; index < outcomes.length; index += 1) {
    const outcome = outcomes[index];
    if (outcome === undefined) continue;
    if (outcome.type === 'ignored') ignored += 1;
    else if (outcome.type === 'rejected') rejections.push([index, outcome.rejection, outcome.raw]);
    else if (!route.source.kinds.includes(outcome.draft.parts.kind)) {
      if (outcome.draft.isExtra === true) {
        ignored += 1;
        continue;
      }
      const detail = `source ${route.source.name} may not produce ${outcome.draft.parts.kind}`;
      rejections.push([index, { reason: 'kind-not-allowed', detail }, undefined]);
    } else if (isOfOther(outcome.draft.parts.tenant, route)) {
      const detail = `source ${route.source.name} speaks for one tenant, and the record names another`;
      rejections.push([index, { reason: 'tenant-not-allowed', detail }, undefined]);
    } else if (route.isStrict && (outcome.draft.duplicateKeys ?? 0) > 0) {
      duplicateKeys += outcome.draft.duplicateKeys ?? 0;
      const detail = `${outcome.draft.duplicateKeys} names are given twice in the item`;
      rejections.push([index, { reason: 'duplicate-key', detail }, undefined]);
    } else {
      duplicateKeys += outcome.draft.duplicateKeys ?? 0;
      const event = eventOf(outcome.draft, index, rec, route, digest, facts.truncated);
      if (event.time.clamped) clamped += 1;
      nonconforming += outcome.draft.nonconforming ?? 0;
      events.push(event);
    }
  }
  // An array without items says nothing; it is counted rather than lost.
  if (outcomes.length === 0) ignored += 1;
  const flags = { duplicateKeys, clamped, ignored, nonconforming };
  if (rejections.length === 0) return { events, deadLetters: [], flags };
  const isPartial = events.length > 0;
  // One copy for all that bring no bytes of their own.
  const whole = rawOf(rec.value);
  const deadLetters = rejections.map(([index, rejection, raw]) => {
    const partial = clip('partial', `[${index}] ${rejection.reason}: ${rejection.detail}`);
    const kept = raw === undefined ? whole : rawOf(raw);
    return deadLetter(rec, route, isPartial ? partial : rejection, index, kept);
  });
  return { events, deadLetters, flags };
}

function outcomesOf(
  value: Buffer,
  headers: Rec['headers'],
  { format, source }: Route,
  facts: Facts,
  maxBytes: number,
): readonly Outcome[] | Rejection {
  if ('decodeBytes' in format) {
    const { trust, kinds } = source;
    const asked = { trust, kinds, maxBytes };
    return format.decodeBytes(value, facts, headers === undefined ? asked : { ...asked, headers });
  }
  return decodeText(value, facts, maxBytes, format.decode);
}

function refused(rec: Rec, route: Route | null, rejection: Rejection, duplicateKeys = 0): Decoded {
  return {
    events: [],
    deadLetters: [deadLetter(rec, route, rejection, 0, rawOf(rec.value ?? Buffer.alloc(0)))],
    flags: { duplicateKeys, clamped: 0, ignored: 0, nonconforming: 0 },
  };
}

function deadLetter(
  rec: Rec,
  route: Route | null,
  rejection: Rejection,
  index: number,
  raw: Buffer,
): DeadLetter {
  return {
    position: { topic: rec.topic, partition: rec.partition, offset: rec.offset, index },
    source: route?.source.name ?? '',
    format: route?.format.name ?? '',
    reason: rejection.reason,
    detail: rejection.detail,
    size: rec.value?.length ?? 0,
    raw,
    receivedMs: rec.timestampMs,
  };
}

/** A copy: the record's bytes are a view of the reader's much larger buffer. */
function rawOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.subarray(0, RAW_BYTES_MAX));
}

/** Does a record name a tenant other than the one its source is bound to? */
function isOfOther(tenant: string | undefined, { source }: Route): boolean {
  return tenant !== undefined && source.tenant !== undefined && tenant !== source.tenant;
}

/** Turns a draft into an event. */
function eventOf(
  draft: Draft,
  index: number,
  rec: Rec,
  route: Route,
  digest: string,
  truncated: boolean,
): Event {
  const { parts } = draft;
  const level = levelOf(parts);
  const isTruncated = truncated || parts.evidence?.truncated === true;
  // One literal, then what is there: events of a kind share a shape, which spreading costs.
  const event: { -readonly [K in keyof Event]: Event[K] } = {
    kind: parts.kind,
    category: parts.category,
    src: {
      topic: rec.topic,
      partition: rec.partition,
      offset: rec.offset,
      index,
      name: route.source.name,
      format: route.format.name,
      trust: route.source.trust,
    },
    time: timeOf(draft, rec.timestampMs, route.maxFutureSkewMs),
    nativeId: nativeIdOf(draft, index, digest, rec.key),
    contentHash:
      draft.item === undefined ? mix53(hash53OfDigest(digest), index) : itemHash53(draft.item),
    evidence: evidenceOf(level, isTruncated, parts),
  };
  const agent = parts.agent === undefined ? undefined : agentBy(parts.agent, route.identity);
  shareIds(parts, agent);
  if (parts.order !== undefined) event.order = parts.order;
  const tenant = parts.tenant ?? route.source.tenant;
  if (tenant !== undefined) event.tenant = tenant;
  if (agent !== undefined) event.agent = agent;
  if (parts.session !== undefined) event.session = parts.session;
  if (parts.principal !== undefined) event.principal = parts.principal;
  if (parts.keys !== undefined) event.keys = parts.keys;
  if (parts.reasoning !== undefined) event.reasoning = parts.reasoning;
  if (parts.action !== undefined) event.action = parts.action;
  if (parts.governance !== undefined) event.governance = parts.governance;
  if (parts.metric !== undefined) event.metric = parts.metric;
  return event;
}

function evidenceOf(
  level: EvidenceLevel,
  truncated: boolean,
  { evidence }: EventParts,
): NonNullable<Event['evidence']> {
  const chain = evidence?.chain;
  if (chain === undefined) return truncated ? { level, truncated } : { level };
  return truncated ? { level, truncated, chain } : { level, chain };
}

/**
 * Ids come again with most events: one text for each makes an event smaller while it waits for the
 * watermark, and spares whoever looks it up the hash of a text that was just parsed.
 */
function shareIds({ session, action }: EventParts, agent: NamedAgent | undefined): void {
  if (agent !== undefined) (agent as { id: string }).id = shared('', agent.id);
  if (session !== undefined) (session as { id: string }).id = shared('', session.id);
  if (action !== undefined) (action as { tool: string }).tool = shared('', action.tool);
}

const shared = naming((_, text) => text);

function timeOf({ time }: Draft, observedMs: number, maxFutureSkewMs: number): EventTime {
  return time.ms > observedMs + maxFutureSkewMs
    ? { eventMs: observedMs, nsInMs: 0, observedMs, clamped: true }
    : { eventMs: time.ms, nsInMs: time.nsInMs, observedMs, clamped: false };
}

/**
 * Identity within the topic (DESIGN §13.4), as text that no two schemes share:
 * Of a batch, what stands for the item takes the place of key, value and index: whoever batches it anew, it
 * stays the same. `id/<producer id>` · `session/<session>/<seq>` · `content/<sha256 of key>/<sha256 of value>/<index>`, and where a mapping
 * makes several events of one item, `part/<length>:<name>/` before any of these. Ids with lone
 * surrogates, which UTF-8 would merge, are written as JSON text behind `id-json/`, `session-json/`.
 */
function nativeIdOf(draft: Draft, index: number, digest: string, key: Buffer | null): string {
  const { id, part, parts } = draft;
  const prefix = part === null ? '' : `part/${part.length}:${part}/`;
  if (id !== undefined) return `${prefix}id${wellFormed(id)}`;
  const { order, session } = parts;
  if (order?.of === 'session' && session !== undefined) {
    return `${prefix}session${wellFormed(session.id)}/${order.seq}`;
  }
  if (draft.item !== undefined) return `${prefix}content/${draft.item.digest}/${draft.item.nth}`;
  // The index tells equal items of one record apart.
  const keyed = key === null ? '' : `${sha256Of(key)}/`;
  return `${prefix}content/${keyed}${digest}/${index}`;
}

function wellFormed(id: string): string {
  return id.isWellFormed() ? `/${id}` : `-json/${JSON.stringify(id)}`;
}

/** Are there digests of arguments? */
function hasDigests({ reasoning, action }: EventParts): boolean {
  return (
    action?.argsDigest !== undefined ||
    action?.leafDigests !== undefined ||
    (reasoning?.intents.some((call) => call.argsDigest !== undefined) ?? false)
  );
}

/**
 * The level that the content proves. A payload may claim no more than L1 beyond it: digests that
 * stand in fields of others are the one content that a decoder cannot see.
 */
function levelOf(parts: EventParts): EvidenceLevel {
  const { reasoning, action, governance } = parts;
  if (reasoning?.text !== undefined || action?.result !== undefined) return 'L3';
  const hasArgs =
    action?.args !== undefined ||
    reasoning?.mandate !== undefined ||
    governance?.detail?.mandate !== undefined ||
    (reasoning?.intents.some((call) => call.args !== undefined) ?? false) ||
    (reasoning?.claims.some((call) => call.args !== undefined) ?? false);
  if (hasArgs) return 'L2';
  if (hasDigests(parts)) return 'L1';
  return (parts.evidence?.level ?? 'L0') === 'L0' ? 'L0' : 'L1';
}
