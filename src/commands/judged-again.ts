/** A recorded decision judged again: by the same pure function, from what was kept with it. */
import { hash } from 'node:crypto';
import { type DecisionInputs, judge } from '../decide/judge.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import type { JournalledDigests, RecordedDecision } from '../record/decided.ts';
import { storableJson } from '../record/text.ts';

/** What became of it, and whether something is wrong with the record or with this program. */
export const REPLAYED = {
  same: { isWrong: false, says: 'judged again with the same result, bit for bit, as journalled' },
  unjournalled: {
    isWrong: false,
    says: 'judged again with the same result; the journal no longer holds their digests (pruned)',
  },
  differs: { isWrong: true, says: 'judged DIFFERENTLY by this program' },
  changed: { isWrong: true, says: 'CHANGED: not what the journal holds the digest of' },
  'carried-on': {
    isWrong: false,
    says: 'carry on with an earlier one by the next driver, or are older than inputs are kept: nothing to judge again',
  },
  'too-large': {
    isWrong: false,
    says: 'rested on more leases than are kept: cannot be judged again',
  },
  'no-detection': { isWrong: true, says: 'have lost their detection' },
} as const;

/** A decision that was judged again. */
export interface Replayed {
  readonly decisionId: string;
  readonly caseId: string;
  readonly timeMs: number;
  readonly verdict: keyof typeof REPLAYED;
  /** Members that differ, or rows that were changed. */
  readonly differs: readonly string[];
}

/** Judges it again. Two decisions are the same when their canonical JSON is, to the byte. */
export function judgedAgain(recorded: RecordedDecision, journalled: JournalledDigests): Replayed {
  const { decision, inputs, detection } = recorded;
  const { id: decisionId, caseId, timeMs } = decision;
  const as = (verdict: Replayed['verdict'], differs: readonly string[] = []): Replayed => {
    return { decisionId, caseId, timeMs, verdict, differs };
  };
  const changed = changedRows(recorded, journalled);
  if (changed.length > 0) return as('changed', changed);
  if (inputs === null) return as('carried-on');
  if (detection === null) return as('no-detection');
  const kept = JSON.parse(inputs) as DecisionInputs;
  if (kept.isCut) return as('too-large');
  const { provisional } = decision;
  const judged = { ...judge(detection, kept).decision, ...(provisional ? { provisional } : {}) };
  const again = JSON.parse(storableJson(judged)) as object;
  if (canonicalJson(again) !== canonicalJson(decision))
    return as('differs', differing(again, decision));
  return as(journalled.decision === null ? 'unjournalled' : 'same');
}

/** Which rows are not what was journalled; what the journal no longer holds cannot be told. */
function changedRows(
  { decision, inputs, detection }: RecordedDecision,
  journalled: JournalledDigests,
): string[] {
  const rows = [
    ['decision', canonicalJson(decision), journalled.decision],
    ['inputs', inputs, journalled.inputs],
    ['detection', detection === null ? null : canonicalJson(detection), journalled.detection],
  ] as const;
  const changed = rows.filter(([, text, digest]) => {
    if (digest !== null) return text === null || hash('sha256', text, 'hex') !== digest;
    return false;
  });
  // Inputs that were added to a decision which was journalled without.
  const isAdded = inputs !== null && journalled.decision !== null && journalled.inputs === null;
  return [...changed.map(([name]) => name), ...(isAdded ? ['inputs'] : [])];
}

function differing(a: object, b: object): string[] {
  const of = (value: object, name: string) =>
    canonicalJson((value as Readonly<Record<string, unknown>>)[name]);
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].filter((name) => of(a, name) !== of(b, name)).sort();
}
