/** Records and sources that the tests of the decoders share. */
import type { SourceConfig } from '../../src/model/config/source.ts';
import type { WireEvent } from '../../src/model/event.ts';
import type { Rec } from '../../src/model/ports.ts';

/** When the broker of these tests gets everything: 2027-01-15T08:00:00Z. */
export const OBSERVED_MS = 1_800_000_000_000;

/** A record with a value of its own; other fields as given. */
export function recordOf(value: unknown, more: Partial<Rec> = {}): Rec {
  const bytes = Buffer.isBuffer(value)
    ? value
    : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return {
    topic: 'gateway',
    partition: 0,
    offset: 7,
    timestampMs: OBSERVED_MS,
    key: null,
    value: bytes,
    ...more,
  };
}

/** A source for each kind, in canonical form, on topics named like the kinds. */
export const SOURCES: readonly SourceConfig[] = [
  {
    name: 'hr',
    topic: 'governance',
    decoder: 'canonical',
    trust: 'platform',
    kinds: ['governance'],
  },
  { name: 'sdk', topic: 'reasoning', decoder: 'canonical', trust: 'agent', kinds: ['reasoning'] },
  { name: 'gw', topic: 'gateway', decoder: 'canonical', trust: 'gateway', kinds: ['gateway'] },
  { name: 'otel', topic: 'metrics', decoder: 'canonical', trust: 'runtime', kinds: ['metrics'] },
];

/** A gateway event in canonical form. */
export function wireCall(more: Partial<WireEvent> = {}): WireEvent {
  return {
    kind: 'gateway',
    category: 'tool_call',
    order: { seq: 4, of: 'session' },
    time: { eventNs: '1799999990123456789' },
    agent: { id: 'billing-2', basis: 'jwt' },
    session: { id: 'run-81' },
    keys: { toolCallId: 'c-1' },
    action: {
      phase: 'result',
      tool: 'invoice.send',
      args: { invoice: 'I-77', copies: 2 },
      decision: 'allow',
      outcome: 'ok',
    },
    ...more,
  };
}
