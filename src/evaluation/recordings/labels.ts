/** Labels: what each recorded session was, as others judged it; daemons never read them. */
import { OperatingError } from '../../model/errors.ts';

/** What a session can have been. */
export const SESSION_LABELS = [
  'benign',
  'attack_resisted',
  'attack_attempted',
  'attack_succeeded',
] as const;

/** One labelled session (corpus README, "Labels"). */
export interface LabelledSession {
  readonly session: string;
  readonly agent: string;
  /** Sessions of one task are alike: intervals are drawn over tasks. */
  readonly task: string;
  readonly label: (typeof SESSION_LABELS)[number];
  /** `seq` of the record after which the agent had read the attack; null: it never did. */
  readonly exposedSeq: number | null;
  /** `seq` of the first hostile call; null where there is none. */
  readonly onsetSeq: number | null;
  readonly calls: number;
  /** What was done wrong, where the labels say it (simulated fleets). */
  readonly kind: string | null;
}

/**
 * Reads a labels file, one JSON object per line. Throws SOURCE_UNREADABLE with the line where one
 * is no label; `name` is only for that message.
 */
export function readLabels(text: string, name: string): LabelledSession[] {
  const found: LabelledSession[] = [];
  text.split('\n').forEach((line, at) => {
    if (line.trim() === '') return;
    const label = labelOf(line);
    if (label === null)
      throw new OperatingError(
        'SOURCE_UNREADABLE',
        `${name}:${at + 1} is no label: it needs session_id, task, label (${SESSION_LABELS.join(', ')}) and tool_calls`,
        { retryable: false },
      );
    found.push(label);
  });
  return found;
}

function labelOf(line: string): LabelledSession | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const row = parsed as Readonly<Record<string, unknown>>;
  const label = SESSION_LABELS.find((one) => one === row['label']);
  const [session, task, calls] = [row['session_id'], row['task'], row['tool_calls']];
  if (typeof session !== 'string' || typeof task !== 'string' || label === undefined) return null;
  if (typeof calls !== 'number') return null;
  return {
    session,
    agent: textOf(row['agent_id']) ?? '',
    task,
    label,
    exposedSeq: numberOf(row['exposed_at_seq']),
    onsetSeq: numberOf(row['onset_seq']),
    calls,
    kind: textOf(row['kind']),
  };
}

const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
