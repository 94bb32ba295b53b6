/** `verdict`: what an analyst says of a case or detection, and what follows at once. */
import { systemClock } from '../adapters/clock.ts';
import { toYaml } from '../adapters/files.ts';
import { dayOf } from '../model/day.ts';
import { type Judged, VERDICTS, type VerdictValue } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import { OperatingError } from '../model/errors.ts';
import { idOf, short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import { detectionsOfCase, readDetections, readJudged } from '../record/power.ts';
import { idByPrefix } from '../record/read.ts';
import { usage } from './arguments.ts';
import { ask, signed, takenUp, WAITS } from './asking.ts';
import type { Command } from './command.ts';
import { count, safe } from './output.ts';
import { withStore } from './reading.ts';

const DAY_MS = 86_400_000;
/** What `scaffold` of an exception writes; at most 90 are allowed. */
const PROPOSED_DAYS = 30;
const EVIDENCE_MAX = 100;

/** The command. */
export const verdict: Command = {
  name: 'verdict',
  synopsis: `verdict CASE|DETECTION ${VERDICTS.join('|')} --by WHO --note WHAT`,
  summary: 'say what a case or detection was; a false positive takes back at once what came of it',
  options: { by: 'value', note: 'value' },
  words: 2,
  run: async (given, { output, environment, signal }) => {
    const [prefix, word] = given.words;
    if (prefix === undefined) throw usage('name a case or detection by the beginning of its id');
    const value = VERDICTS.find((one) => one === word);
    if (value === undefined) throw usage(`the verdict is one of ${VERDICTS.join(', ')}`);
    const { by, reason } = signed(given, 'note');
    return await withStore(given, environment, async (db) => {
      const ids = await judgedIds(db, prefix);
      const detections = await readJudged(db, ids);
      const id = await ask(db, { type: 'verdict', detections, verdict: value, by, reason });
      const inForce = await takenUp(db, id, signal);
      const nowMs = systemClock.nowMs();
      const proposal =
        value === 'true_positive'
          ? null
          : exceptionFor(await readDetections(db, ids), by, reason, nowMs);
      output.json({ verdict: value, detections: ids, inForce, proposal });
      output.line(`${count(detections.length, 'detection')} judged ${value.replaceAll('_', ' ')}.`);
      for (const line of consequences(detections, value, inForce)) output.line(line);
      for (const line of proposal === null ? [] : proposalText(proposal)) output.line(line);
      return 0 as const;
    });
  },
};

function proposalText(proposal: ProposedException): string[] {
  const text = toYaml(proposal).trimEnd().split('\n');
  return [
    '',
    `If this is to stay in order, put it into detectors/exceptions/${proposal.id}.yaml:`,
    ...text.map((line) => `  ${safe(line, 400)}`),
  ];
}

/** A case's detections, or the one detection. NOT_FOUND where neither begins so. */
async function judgedIds(db: Database, prefix: string): Promise<readonly string[]> {
  try {
    return await detectionsOfCase(db, await idByPrefix(db, 'case', prefix));
  } catch (cause) {
    if (!(cause instanceof OperatingError && cause.code === 'NOT_FOUND')) throw cause;
    return [await idByPrefix(db, 'detection', prefix)];
  }
}

function consequences(
  detections: readonly Judged[],
  value: VerdictValue,
  inForce: boolean,
): readonly string[] {
  if (!inForce) return [`Written down: ${WAITS}`];
  if (value !== 'false_positive') return ['It counts in the rates of its detectors.'];
  const acted = [
    ...new Set(detections.filter(({ acted: verb }) => verb !== null).map((one) => one.detector)),
  ];
  const lines = ['Its part of the risk is gone, and what it held back is being released.'];
  for (const stem of acted)
    lines.push(
      `Detector ${stem} acted on it: this version may only alert from now on (\`detectors reinstate ${stem}\` gives it back).`,
    );
  return lines;
}

/** An exception that would excuse what these detections have in common, for 30 days. */
export interface ProposedException {
  readonly id: string;
  readonly match: Readonly<Record<string, string | readonly string[]>>;
  readonly detectors: readonly string[];
  readonly expires: string;
  readonly owner: string;
  readonly reason: string;
  readonly evidence: readonly string[];
}

/**
 * The narrowest exception without sessions that covers them: the agents, and the tool where it is one.
 * Null where nothing can be excused: integrity is not.
 */
export function exceptionFor(
  detections: readonly Detection[],
  owner: string,
  reason: string,
  nowMs: number,
): ProposedException | null {
  const excusable = detections.filter(({ family }) => family !== 'integrity');
  if (excusable.length === 0) return null;
  const distinct = (values: readonly string[]) => [...new Set(values)].sort();
  const agents = distinct(excusable.map(({ entity }) => entity.agent));
  const tools = distinct(excusable.flatMap(({ tool }) => (tool === null ? [] : [tool])));
  const hasOneTool = tools.length === 1 && excusable.every(({ tool }) => tool !== null);
  const detectors = distinct(excusable.map(({ detector }) => detector));
  const evidence = distinct(excusable.map(({ id }) => short(id))).slice(0, EVIDENCE_MAX);
  const why = reason.length >= 10 ? reason : `judged a false positive: ${reason}`;
  return {
    id: `${detectors[0] ?? 'detector'}-${idOf(...evidence).slice(0, 8)}`.slice(0, 64),
    match: {
      agent: agents.length === 1 ? (agents[0] as string) : agents.slice(0, 256),
      ...(hasOneTool ? { tool: tools[0] as string } : {}),
    },
    detectors,
    expires: dayOf(nowMs + PROPOSED_DAYS * DAY_MS),
    owner,
    reason: why.slice(0, 2000),
    evidence,
  };
}
