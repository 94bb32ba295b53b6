/** The canonical wire form: one event as JSON, or an array of them; both directions. */
import { KINDS, type WireEvent } from '../model/event.ts';
import { checkParts, EventParts, type Format, isRejection, type Outcome, pruner } from './draft.ts';
import type { Rejection } from './json.ts';
import { parseNs } from './time.ts';

/** Takes out what the schema does not name. The top level is picked by name when events are built. */
const members = Object.entries(EventParts.properties).flatMap(([name, schema]) => {
  const prune = pruner(schema);
  return prune === null ? [] : [[name, prune] as const];
});

/** Decoder of the canonical wire form. A field the schema does not know is left out. */
export const canonical: Format = {
  name: 'canonical',
  kinds: KINDS,
  decode(value) {
    return Array.isArray(value) ? value.map(decodeOne) : [decodeOne(value)];
  },
};

/** One event as canonical JSON on one line, as the simulator writes it. */
export function encodeEvent(event: WireEvent): string {
  return JSON.stringify(event);
}

function decodeOne(value: unknown): Outcome {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return rejected({ reason: 'field-type', detail: '/: must be an object' });
  }
  const record = value as Readonly<Record<string, unknown>>;
  const id = record['id'];
  if (id !== undefined && !isId(id)) {
    return rejected({
      reason: 'field-type',
      detail: '/id: must be a string of 1 to 512 characters',
    });
  }
  const time = readTime(record['time']);
  if ('reason' in time) return rejected(time);
  const parts = checkParts(record);
  if (isRejection(parts)) return rejected(parts);
  for (const [name, prune] of members) prune(record[name]);
  return { type: 'draft', draft: { id, part: null, time, parts } };
}

function rejected(rejection: Rejection): Outcome {
  return { type: 'rejected', rejection };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= 512;
}

function readTime(time: unknown): (ReturnType<typeof parseNs> & object) | Rejection {
  if (time === undefined) return { reason: 'field-missing', detail: '/: missing time' };
  const isRecord = typeof time === 'object' && time !== null;
  const text =
    isRecord && Object.hasOwn(time, 'eventNs') ? (time as { eventNs: unknown }).eventNs : null;
  if (typeof text !== 'string') {
    return { reason: 'field-missing', detail: '/time/eventNs: must be a string of digits' };
  }
  return (
    (text.length <= 20 ? parseNs(text) : null) ?? {
      reason: 'time-invalid',
      detail: '/time/eventNs: must be nanoseconds since 1970, 1 to 20 digits',
    }
  );
}
