/** Events for tests of single stages: decoded, with everything a source adds. */
import type { Event, Kind } from '../../src/model/event.ts';

/** What differs from a turn of session `s` at time 0. */
export interface Given {
  readonly kind?: Kind;
  readonly ms?: number;
  readonly ns?: number;
  readonly seq?: number;
  readonly id?: string;
  readonly content?: number;
  readonly partition?: number;
  readonly offset?: number;
  readonly call?: string;
  readonly body?: Partial<Event>;
}

/** An event as the sources hand it on. */
export function eventOf(given: Given = {}): Event {
  const { kind = 'reasoning', ms = 0, ns = 0, seq, partition = 0, offset = 0, call } = given;
  const id = given.id ?? `id/${seq ?? ms}`;
  return {
    kind,
    category: kind === 'gateway' ? 'tool_call' : 'model_call',
    agent: { id: 'a' },
    session: { id: 's' },
    ...(seq === undefined ? {} : { order: { seq, of: 'session' as const } }),
    ...(call === undefined ? {} : { keys: { toolCallId: call } }),
    ...given.body,
    src: {
      topic: kind,
      partition,
      offset,
      index: 0,
      name: kind,
      format: 'canonical',
      trust: 'agent',
    },
    time: { eventMs: ms, nsInMs: ns, observedMs: ms, clamped: false },
    nativeId: id,
    contentHash: given.content ?? 1,
  };
}
