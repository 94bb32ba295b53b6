/** A signal store in memory; it passes the same contract suite as the one in PostgreSQL. */
import {
  HELD_MAX,
  type Signal,
  type SignalStore,
  type SignalStream,
  STREAM_EVENTS,
  type TrackedSignal,
  type Wish,
  type WishContext,
  type Wished,
  type WishStep,
} from '../../src/model/signals.ts';

interface Entry {
  readonly signal: Signal;
  readonly notice: boolean;
  state: TrackedSignal['state'];
  attempts: number;
  detail: string | null;
  expiresMs: number | null;
  dueMs: number;
  holdMs: number;
  settledMs: number | null;
}

const tracked = (entry: Entry): TrackedSignal => ({
  ...entry.signal,
  ...{ state: entry.state, attempts: entry.attempts, detail: entry.detail },
  expiresMs: entry.expiresMs,
});

/** An empty store. */
export function createMemorySignalStore(): SignalStore {
  const streams = new Map<string, SignalStream>();
  const wishes = new Map<string, Wish & { released: boolean; recordedMs: number }>();
  let entries: Entry[] = [];

  const bump = (id: string, by: number) => {
    const stream = streams.get(id);
    if (stream !== undefined) streams.set(id, { ...stream, dropped: stream.dropped + by });
  };
  const enqueue = (signals: readonly Signal[]) => {
    for (const signal of signals) {
      const { jti, streamId, claims } = signal;
      if (!streams.has(streamId)) continue;
      const of = entries.filter((one) => one.signal.streamId === streamId);
      if (of.some((one) => one.signal.jti === jti)) continue;
      const isFull = of.filter((one) => one.state === 'waiting').length >= HELD_MAX;
      if (isFull) bump(streamId, 1);
      entries.push({
        ...{ signal, notice: Object.hasOwn(claims.events, STREAM_EVENTS.streamUpdated) },
        ...{ state: isFull ? 'dropped' : 'waiting', attempts: 0, expiresMs: signal.expiresMs },
        detail: isFull ? 'the stream holds too much' : null,
        ...{ dueMs: claims.iat * 1_000, holdMs: 0, settledMs: isFull ? claims.iat * 1_000 : null },
      });
    }
  };
  const ofKey = (key: string) => entries.filter((one) => one.signal.key === key).map(tracked);
  const fresh = (one: Entry, nowMs: number) => one.expiresMs === null || one.expiresMs > nowMs;
  const takeable = (id: string, nowMs: number, subjectKey?: string) =>
    entries.filter((one) => {
      if (one.signal.streamId !== id || one.state !== 'waiting' || one.holdMs > nowMs) return false;
      if (subjectKey === undefined ? one.dueMs > nowMs : one.signal.subjectKey !== subjectKey)
        return false;
      if (!fresh(one, nowMs) || !(streams.get(id)?.status === 'enabled' || one.notice))
        return false;
      const first = entries.find(
        (other) =>
          other.signal.streamId === id &&
          other.signal.subjectKey === one.signal.subjectKey &&
          other.state === 'waiting' &&
          fresh(other, nowMs),
      );
      return first === one;
    });
  const ofLease = (leaseId: string) => entries.filter((one) => one.signal.leaseId === leaseId);

  const wish = (
    step: WishStep,
    compose: (context: WishContext) => readonly Signal[],
    nowMs: number,
  ): Wished => {
    const known = wishes.get(step.leaseId);
    const { leaseId, verb, subjectKey, session, tools, expiresMs } = step;
    const noted = (released: boolean) =>
      wishes.set(leaseId, {
        ...{ leaseId, verb, subjectKey, session, tools, expiresMs, released, recordedMs: nowMs },
      });
    const stood = (): Wished => ({ type: 'queued', isNew: false, signals: ofKey(step.key) });
    if (step.step === 'release') {
      if (known?.released === true) return stood();
      if (known === undefined) {
        noted(true);
        return { type: 'nothing' };
      }
      known.released = true;
      for (const one of ofLease(leaseId))
        if (one.state === 'waiting' && one.attempts === 0)
          Object.assign(one, { state: 'dropped', settledMs: nowMs, detail: 'taken back unsent' });
    } else {
      if (known?.released === true) return { type: 'over' };
      if (step.step === 'renew') {
        if (known === undefined) return { type: 'nothing' };
        wishes.set(leaseId, { ...known, expiresMs });
        for (const one of ofLease(leaseId))
          if (one.state === 'waiting' && one.expiresMs !== null) one.expiresMs = expiresMs;
        return { type: 'queued', isNew: true, signals: [] };
      }
      if (known !== undefined) return stood();
    }
    const signals = compose({
      others: [...wishes.values()]
        .filter(
          (one) =>
            one.subjectKey === subjectKey &&
            one.leaseId !== leaseId &&
            !one.released &&
            (one.expiresMs === null || one.expiresMs > nowMs),
        )
        .map(({ released: _, recordedMs: __, ...other }) => other),
      streams: [...streams.values()],
      told: new Set(
        ofLease(leaseId)
          .filter(
            (one) => (one.attempts > 0 || one.state === 'delivered') && one.state !== 'refused',
          )
          .map((one) => one.signal.streamId),
      ),
    });
    if (step.step === 'request' && signals.length > 0) noted(false);
    enqueue(signals);
    return { type: 'queued', isNew: true, signals: ofKey(step.key) };
  };

  return {
    streams: async () => [...streams.values()],
    addStream: async (stream) => {
      const isTaken = [...streams.values()].some(
        ({ id, receiver }) => id === stream.id || receiver === stream.receiver,
      );
      if (isTaken || streams.size >= 1_000) return false;
      streams.set(stream.id, { ...stream, heardMs: null, verifiedMs: null, dropped: 0 });
      return true;
    },
    changeStream: async (id, change) => {
      const stream = streams.get(id);
      if (stream === undefined) return null;
      streams.set(id, { ...stream, ...change });
      if (change.status === 'disabled') {
        const lost = entries.filter(
          (one) => one.signal.streamId === id && one.state === 'waiting' && !one.notice,
        );
        for (const one of lost)
          Object.assign(one, {
            ...{ state: 'dropped', settledMs: one.dueMs, detail: 'the stream was disabled' },
          });
        bump(id, lost.length);
      }
      return streams.get(id) ?? null;
    },
    removeStream: async (id) => {
      streams.delete(id);
      entries = entries.filter((one) => one.signal.streamId !== id);
    },
    wish: async (step, compose, nowMs) => wish(step, compose, nowMs),
    enqueue: async (signals) => enqueue(signals),
    take: async (id, nowMs, limit, holdMs, subjectKey) => {
      const due = takeable(id, nowMs, subjectKey).slice(0, limit);
      for (const one of due)
        Object.assign(one, { holdMs: nowMs + holdMs, attempts: one.attempts + 1 });
      return due.map(tracked);
    },
    hasDue: async (id, nowMs) => takeable(id, nowMs).length > 0,
    settle: async (id, jti, { state, detail, dueMs }, nowMs) => {
      const one = entries.find(
        ({ signal, state: now }) =>
          signal.streamId === id && signal.jti === jti && now === 'waiting',
      );
      if (one === undefined) return false;
      Object.assign(one, { state, detail, holdMs: 0, dueMs: dueMs ?? one.dueMs });
      one.settledMs = state === 'waiting' ? null : nowMs;
      const stream = streams.get(id);
      if (stream !== undefined && (state === 'delivered' || state === 'refused'))
        streams.set(id, {
          ...{ ...stream, heardMs: nowMs },
          lastError: state === 'refused' ? detail : stream.lastError,
        });
      return true;
    },
    ofKey: async (key) => ofKey(key),
    tidy: async (nowMs, beforeMs) => {
      const stale = entries.filter((one) => one.state === 'waiting' && !fresh(one, nowMs));
      for (const one of stale) {
        Object.assign(one, { state: 'dropped', settledMs: nowMs, detail: 'its time was over' });
        bump(one.signal.streamId, 1);
      }
      entries = entries.filter((one) => one.settledMs === null || one.settledMs >= beforeMs);
      for (const [id, one] of wishes) {
        const isOver = one.released || (one.expiresMs ?? one.recordedMs) < beforeMs;
        if (one.recordedMs < beforeMs && isOver) wishes.delete(id);
      }
      return stale.length;
    },
  };
}
