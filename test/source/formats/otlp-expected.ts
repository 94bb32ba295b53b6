/** OTLP as read, in the one form that the conformance samples are given in. */
import type {
  Attribute,
  Batch,
  LogRecord,
  ResourceItems,
  Scope,
  Span,
  Value,
} from '../../../src/source/formats/otlp.ts';
import type { OtlpMetric, Point } from '../../../src/source/formats/otlp-metric.ts';
import { formatNs, type Instant } from '../../../src/source/time.ts';

type Members = Readonly<Record<string, unknown>>;

/** Without members at their default: that is how both encodings leave them out. */
function some(members: Members): Members {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => {
      if (value === '' || value === 0 || value === undefined) return false;
      return !Array.isArray(value) || value.length > 0;
    }),
  );
}

const time = (at: Instant) => (formatNs(at) === '0' ? '' : formatNs(at));

function value(of: Value): Members {
  if (of === null) return {};
  if (typeof of === 'string') return { stringValue: of };
  if (typeof of === 'boolean') return { boolValue: of };
  if (typeof of === 'bigint') return { intValue: String(of) };
  if (typeof of === 'number') return { doubleValue: Number.isFinite(of) ? of : String(of) };
  if (of instanceof Uint8Array) return { bytesValue: Buffer.from(of).toString('base64') };
  if ('entries' in of && !Array.isArray(of))
    return { kvlistValue: some({ values: attributes((of as { entries: Attribute[] }).entries) }) };
  return { arrayValue: some({ values: (of as readonly Value[]).map(value) }) };
}

function attributes(list: readonly Attribute[]): Members[] {
  return list.map(({ key, value: of }) => {
    const given = value(of);
    return Object.keys(given).length === 0 ? { key } : { key, value: given };
  });
}

function scope(of: Scope): Members | undefined {
  const made = some({
    name: of.name,
    version: of.version,
    attributes: attributes(of.attributes),
    droppedAttributesCount: of.dropped,
  });
  return Object.keys(made).length === 0 ? undefined : made;
}

function span(of: Span): Members {
  const status = some({ ...of.status });
  return some({
    traceId: of.traceId,
    spanId: of.spanId,
    traceState: of.traceState,
    parentSpanId: of.parentSpanId,
    name: of.name,
    kind: of.kind,
    startTimeUnixNano: time(of.start),
    endTimeUnixNano: time(of.end),
    attributes: attributes(of.attributes),
    droppedAttributesCount: of.dropped,
    events: of.events.map((event) =>
      some({
        timeUnixNano: time(event.time),
        name: event.name,
        attributes: attributes(event.attributes),
        droppedAttributesCount: event.dropped,
      }),
    ),
    droppedEventsCount: of.droppedEvents,
    links: of.links.map((link) =>
      some({
        traceId: link.traceId,
        spanId: link.spanId,
        traceState: link.traceState,
        attributes: attributes(link.attributes),
        droppedAttributesCount: link.dropped,
        flags: link.flags,
      }),
    ),
    droppedLinksCount: of.droppedLinks,
    status: Object.keys(status).length === 0 ? undefined : status,
    flags: of.flags,
  });
}

function logRecord(of: LogRecord): Members {
  return some({
    timeUnixNano: time(of.time),
    observedTimeUnixNano: time(of.observed),
    severityNumber: of.severity,
    severityText: of.severityText,
    body: of.body === null ? undefined : value(of.body),
    attributes: attributes(of.attributes),
    droppedAttributesCount: of.dropped,
    flags: of.flags,
    traceId: of.traceId,
    spanId: of.spanId,
    eventName: of.eventName,
  });
}

function groups<T>(
  batch: Batch<T>,
  scopes: string,
  items: string,
  one: (item: T) => Members,
): Members[] {
  return batch.groups.map((group: ResourceItems<T>) =>
    some({
      resource: some({
        attributes: attributes(group.resource.attributes),
        droppedAttributesCount: group.resource.dropped,
      }),
      schemaUrl: group.schemaUrl,
      [scopes]: group.scopes.map((inner) =>
        some({
          scope: scope(inner.scope),
          schemaUrl: inner.schemaUrl,
          [items]: inner.items.map((read) => {
            if (!read.ok) throw new Error(read.rejection.detail);
            return one(read.item);
          }),
        }),
      ),
    }),
  );
}

/** A batch of spans in that form. */
export const traces = (batch: Batch<Span>): Members => ({
  resourceSpans: groups(batch, 'scopeSpans', 'spans', span),
});

/** A batch of log records in that form. */
export const logs = (batch: Batch<LogRecord>): Members => ({
  resourceLogs: groups(batch, 'scopeLogs', 'logRecords', logRecord),
});

const INSTRUMENTS = {
  ...{ gauge: 'gauge', sum: 'sum', histogram: 'histogram', summary: 'summary', none: 'none' },
  exponential: 'exponentialHistogram',
} as const;

/** Members that are there though they are at their default. */
const present = (members: Members): Members =>
  Object.fromEntries(Object.entries(members).filter(([, one]) => one !== null));

function point(of: Point): Members {
  const side = ({ offset, counts }: Point['positive']) =>
    counts.length === 0 ? undefined : some({ offset, bucketCounts: counts.map(String) });
  const count = (n: number) => (n === 0 ? undefined : String(n));
  return {
    ...some({
      startTimeUnixNano: time(of.start),
      timeUnixNano: time(of.time),
      attributes: attributes(of.attributes),
      ...{ count: count(of.count), zeroCount: count(of.zeroCount), scale: of.scale },
      ...{ bucketCounts: of.counts.map(String), explicitBounds: of.bounds },
      ...{ positive: side(of.positive), negative: side(of.negative), flags: of.flags },
    }),
    ...present({
      asInt: typeof of.value === 'bigint' ? String(of.value) : null,
      asDouble: typeof of.value === 'number' ? of.value : null,
      ...{ sum: of.sum, min: of.min, max: of.max },
    }),
  };
}

function metric(of: OtlpMetric): Members {
  const { name, description, unit, kind, temporality, monotonic, points } = of;
  const instrument = some({
    aggregationTemporality: temporality,
    isMonotonic: monotonic ? true : undefined,
    dataPoints: points.map(point),
  });
  return some({ name, description, unit, [INSTRUMENTS[kind]]: instrument });
}

/** A batch of metrics in that form. */
export const metrics = (batch: Batch<OtlpMetric>): Members => ({
  resourceMetrics: groups(batch, 'scopeMetrics', 'metrics', metric),
});
