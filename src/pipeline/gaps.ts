/** Gaps: what of a log is lost to us or waits, and that its silence meanwhile proves nothing. */
import { assertNever } from '../model/errors.ts';
import type { Fact } from '../model/fact.ts';
import { idOf } from '../model/ids.ts';
import type { Standstill, TopicPartition } from '../model/ports.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Draft } from './draft.ts';
import type { Notices } from './notices.ts';
import type { PipelineOptions } from './options.ts';
import { type Loss, type Positions, partitionKey } from './positions.ts';
import type { Stages } from './stages.ts';

/** Who is told of gaps. */
export interface GapParts {
  readonly options: Pick<PipelineOptions, 'governanceTopics' | 'topicKinds'>;
  readonly positions: Positions;
  readonly stages: Pick<Stages, 'correlate'>;
  readonly deadLetters: DeadLetters;
  readonly draft: Draft;
  readonly notices: Notices;
  readonly hear: (fact: Fact) => void;
}

/** Says what was lost of a partition when it was taken over. `nowMs` is of the caller's clock. */
export function sayLost(parts: GapParts, at: TopicPartition, loss: Loss, nowMs: number): void {
  switch (loss.type) {
    case 'beginning': {
      const detail = `its log begins at ${loss.low}: what came before is not known`;
      truncated(parts, at, detail, nowMs);
      return;
    }
    case 'unused': {
      const { from, to, lastMs } = loss;
      parts.draft.count('missing-offsets', to - from);
      const detail = `records ${from} to ${to} are gone from the log before they were used`;
      gap(parts, at, detail, lastMs, nowMs);
      return;
    }
    case 'log': {
      const { how, low, incarnation, lastMs } = loss;
      parts.draft.count('topics-recreated');
      const detail = `${how}: truncated or recreated; read from ${low} on as incarnation ${incarnation}`;
      gap(parts, at, detail, lastMs, nowMs);
      parts.notices.say('topic.recreated', at.topic, detail, nowMs);
      return;
    }
    default:
      assertNever(loss);
  }
}

/**
 * Records `from` up to but without `to` were gone before they could be read; or, where `undecodable`
 * says why, were skipped.
 */
export function sayMissing(
  parts: GapParts,
  at: TopicPartition,
  from: number,
  to: number,
  nowMs: number,
  undecodable?: string,
): void {
  const { positions, deadLetters, draft } = parts;
  const { topic, partition } = at;
  const detail =
    undecodable === undefined
      ? `records ${from} to ${to} are gone from the log before they were read`
      : `records ${from} to ${to} were skipped: ${undecodable}`;
  draft.count(undecodable === undefined ? 'missing-offsets' : 'undecodable-offsets', to - from);
  gap(parts, at, detail, positions.lastMs(at), nowMs);
  if (undecodable === undefined) return;
  positions.skip(at, to);
  deadLetters.post({
    position: { topic, partition, offset: from, index: 0 },
    ...{ source: topic, format: 'batch', reason: 'codec-unsupported', detail, size: 0 },
    ...{ raw: Buffer.alloc(0), receivedMs: nowMs },
  });
}

/** Partitions stand still although there is more to read (`isOver`: go on again). */
export function sayStandstill(
  parts: GapParts,
  partitions: readonly Standstill[],
  isOver: boolean,
  nowMs: number,
): void {
  for (const { topic, partition, sinceMs } of partitions) {
    const reason = `partition ${partition} of ${topic} stands still although it holds more records`;
    if (!isOver) parts.draft.count('partitions-stuck');
    const toMs = isOver ? nowMs : null;
    uncovered(parts, topic, [partition, sinceMs], reason, sinceMs, toMs, !isOver);
  }
}

/** Records that were there are lost to us: since the last one that was read nothing is known. */
function gap(
  parts: GapParts,
  at: TopicPartition,
  detail: string,
  lastMs: number | null,
  nowMs: number,
): void {
  truncated(parts, at, detail, nowMs);
  const sinceMs = Math.min(lastMs ?? nowMs, nowMs);
  uncovered(parts, at.topic, [at.partition, detail], detail, sinceMs, nowMs);
}

/** Of governance this means that its silence proves nothing from now on. */
function truncated(parts: GapParts, at: TopicPartition, detail: string, nowMs: number): void {
  const { options, stages, notices } = parts;
  if (options.governanceTopics.has(at.topic)) stages.correlate.historyIsPartial();
  notices.say('history.truncated', partitionKey(at), detail, nowMs);
}

/** A stretch of time of which a topic told us nothing; `of` tells it from others. */
function uncovered(
  { options, hear }: GapParts,
  topic: string,
  of: readonly (string | number)[],
  reason: string,
  fromMs: number,
  toMs: number | null,
  isNews = true,
): void {
  for (const kind of options.topicKinds?.get(topic) ?? []) {
    const id = idOf('coverage', topic, kind, ...of);
    const coverage = { id, source: topic, kind, fromMs, toMs, reason, sessions: 0 };
    hear({ type: 'blind', coverage, decidedMs: toMs ?? fromMs, begins: isNews });
  }
}
