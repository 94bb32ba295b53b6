/** `cloudevents/1`: CloudEvents whose data is an event in the canonical form. */
import { KINDS } from '../../model/event.ts';
import { canonical } from '../canonical.ts';
import type { ByteFormat, Format, Outcome } from '../draft.ts';
import { inCloudEvents } from '../mapping-items.ts';
import { formatNs, parseRfc3339 } from '../time.ts';
import { type CloudEvent, cloudEventId } from './cloudevents-envelope.ts';

const inData: Format = {
  name: 'cloudevents/1',
  kinds: KINDS,
  decode(value, facts) {
    const event = value as CloudEvent;
    const data = Object.hasOwn(event, 'data') ? event['data'] : undefined;
    if (typeof data !== 'object' || data === null || Array.isArray(data)) return [noEvent];
    const inner: Record<string, unknown> = { ...data };
    if (!Object.hasOwn(inner, 'kind')) return [noEvent];
    const id = cloudEventId(event);
    if (!Object.hasOwn(inner, 'id') && id !== undefined) inner['id'] = id;
    const time = Object.hasOwn(event, 'time') ? event['time'] : undefined;
    const at = typeof time === 'string' ? parseRfc3339(time) : null;
    if (!Object.hasOwn(inner, 'time') && at !== null) inner['time'] = { eventNs: formatNs(at) };
    return canonical.decode(inner, facts);
  },
};

const noEvent: Outcome = {
  type: 'rejected',
  rejection: {
    reason: 'schema-unknown',
    detail: '/data: must be an event in the canonical form; other data wants a mapping file',
  },
};

/** The decoder. Identity and time of the envelope hold where the data has none of its own. */
export const cloudEvents: ByteFormat = inCloudEvents(inData);
