/** Ingest in the configuration: records sent over HTTP, how many, and how long they stay. */
import { type Static, Type } from 'typebox';
import { duration } from '../duration.ts';
import { endpoint } from './listener.ts';
import { strict } from './parts.ts';

/** What is sent to sources over HTTP: where it arrives, how much is taken, how long it is kept. */
export const IngestConfig = Type.Object(
  {
    listener: Type.Optional(
      Type.Object(endpoint(4318), {
        ...strict,
        description: 'A listener for ingest alone. Absent: control.listener has these routes, too.',
      }),
    ),
    bodyMiB: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 8, default: 8, description: 'A body as it is sent.' }),
    ),
    inflatedMiB: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 64, default: 64, description: 'A body once inflated.' }),
    ),
    perMinute: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 1_000_000,
        default: 60_000,
        description: 'Requests a minute of one token.',
      }),
    ),
    backlogMiB: Type.Optional(
      Type.Integer({
        minimum: 1,
        default: 1024,
        description: 'More than this is unread: senders are told to wait (429).',
      }),
    ),
    keep: Type.Optional(duration('The event log keeps records so long.', '7d')),
    keepMiB: Type.Optional(
      Type.Integer({
        minimum: 1,
        default: 5120,
        description: 'Above this the oldest records of the event log go.',
      }),
    ),
    unread: Type.Optional(
      Type.Enum(['keep', 'drop'] as const, {
        default: 'keep',
        description:
          'Records that are due and were not read: kept, or let go of, which is recorded as a gap.',
      }),
    ),
  },
  {
    ...strict,
    description:
      'Records that arrive over HTTP (`sources[].http`). With kafka they go to the topic; the event log is for fleets without.',
  },
);
/** The section as written. */
export type IngestConfig = Static<typeof IngestConfig>;
