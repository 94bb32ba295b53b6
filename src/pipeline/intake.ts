/** Intake: records are read, and their events wait for the watermark, or are too late for it. */
import type { Reorder } from '../correlate/reorder.ts';
import type { Watermarks } from '../correlate/watermark.ts';
import type { Event } from '../model/event.ts';
import type { Rec } from '../model/ports.ts';
import { Legibility } from '../source/legible.ts';
import type { Slots } from '../state/slots.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Draft } from './draft.ts';
import type { EarlyPath } from './early.ts';
import type { Notices } from './notices.ts';
import type { PipelineOptions } from './options.ts';
import type { Stages } from './stages.ts';

/** Where what was read goes. */
export interface IntakeParts {
  readonly slots: Slots;
  readonly watermarks: Watermarks;
  readonly reorder: Reorder;
  readonly early: Pick<EarlyPath, 'see'>;
  readonly stages: Pick<Stages, 'correlate'>;
  readonly deadLetters: DeadLetters;
  readonly draft: Draft;
  readonly notices: Notices;
}

/** Takes records in, each partition in the order of its log. */
export class Intake {
  readonly #options: Pick<PipelineOptions, 'decode' | 'tooLateMs'>;
  readonly #parts: IntakeParts;
  readonly #legibility: Legibility;
  /** W when the state was stored: what was read before and lies above it is still to be released. */
  #restoredMs = Number.MIN_SAFE_INTEGER;

  constructor(options: Pick<PipelineOptions, 'decode' | 'tooLateMs'>, parts: IntakeParts) {
    this.#options = options;
    this.#parts = parts;
    this.#legibility = new Legibility(parts.slots, ({ source, lost, of, timeMs }) => {
      const detail = `${lost} of ${of} records cannot be read`;
      parts.notices.say('source.illegible', source, detail, timeMs);
    });
  }

  restore(watermarkMs: number): void {
    this.#restoredMs = watermarkMs;
  }

  /** `isAgain`: it was read before a restart, and counted. `nowMs`: on the clock of whoever gave it. */
  take(record: Rec, isAgain: boolean, nowMs: number): void {
    const { deadLetters: letters, draft, notices } = this.#parts;
    const { events, deadLetters, flags } = this.#options.decode(record);
    if (!isAgain) {
      draft.count('records');
      const { topic, partition, timestampMs } = record;
      this.#legibility.read(topic, partition, timestampMs, deadLetters[0]?.source ?? null);
      for (const letter of deadLetters) {
        letters.post(letter);
        notices.tell('dead-letter', letter.source, timestampMs);
      }
      if (flags.duplicateKeys > 0) draft.count('duplicate-keys', flags.duplicateKeys);
      if (flags.ignored > 0) draft.count('ignored', flags.ignored);
      if (flags.nonconforming > 0) draft.count('nonconforming', flags.nonconforming);
    }
    const bytes = (record.value?.length ?? 0) / Math.max(1, events.length);
    for (const event of events) this.#event(event, bytes, isAgain, nowMs);
  }

  #event(event: Event, bytes: number, isAgain: boolean, nowMs: number): void {
    const { watermarks, reorder, early, draft } = this.#parts;
    const { eventMs, clamped } = event.time;
    if (!clamped) watermarks.saw(event.src.topic, event.src.partition, eventMs);
    if (isAgain) {
      // Read before the crash: released then, unless it still lay above the watermark.
      if (eventMs > this.#restoredMs) reorder.offer(event, bytes);
      return;
    }
    draft.count('events');
    if (eventMs <= watermarks.effectiveMs) {
      if (clamped) this.#skewed(event);
      this.#late(event);
      return;
    }
    const offered = reorder.offer(event, bytes);
    if (offered === 'repeat') draft.count('repeats');
    else if (clamped) this.#skewed(event);
    if (offered === 'held') early.see(event, nowMs);
    if (offered === 'forged') this.#forged(event);
  }

  #skewed({ src, time, tenant }: Event): void {
    const { draft, notices } = this.#parts;
    draft.count('clamped');
    const where = `${src.topic}/${src.partition}@${src.offset}`;
    const detail = `the time at ${where} lies in the future`;
    notices.say('event.clock-skew', src.name, detail, time.eventMs, tenant);
  }

  #late(event: Event): void {
    const { watermarks, stages, draft, notices } = this.#parts;
    const { src, tenant } = event;
    const { eventMs } = event.time;
    draft.count('late');
    if (watermarks.effectiveMs - eventMs > this.#options.tooLateMs) {
      draft.count('too-late');
      const detail = 'records too old to be evaluated';
      notices.say('event.too-late', src.name, detail, eventMs, tenant);
      return;
    }
    notices.say('event.late', src.name, 'records behind the watermark', eventMs, tenant);
    stages.correlate.fold(event, true);
  }

  #forged({ src, agent, time, tenant }: Event): void {
    const { draft, notices } = this.#parts;
    draft.count('forged-ids');
    const where = `${src.topic}/${src.partition}@${src.offset}`;
    const detail = `the record at ${where} bears the id of another with other content; the first is kept`;
    notices.say('event.duplicate-id', agent?.id ?? src.name, detail, time.eventMs, tenant);
  }
}
