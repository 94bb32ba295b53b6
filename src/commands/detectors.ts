/** `detectors`: the scorecard of each: volume, verdicts, power, and what to do about it. */
import { systemClock } from '../adapters/clock.ts';
import type { Detector } from '../model/detector.ts';
import { short } from '../model/ids.ts';
import { earnedTier, maturityInForce } from '../model/power.ts';
import {
  eventNowMs,
  type OpenQuestion,
  openQuestions,
  readOrders,
  type Scorecard,
  scorecards,
} from '../record/power.ts';
import { type Given, usage } from './arguments.ts';
import { ask, signed, takenUp, WAITS } from './asking.ts';
import type { Command, CommandContext } from './command.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import { DETECTORS_LISTED, notKnown } from './meant.ts';
import { safe, table, typed } from './output.ts';
import { withStore } from './reading.ts';

const HEAD = [
  'DETECTOR',
  'MATURITY',
  'EARNED',
  '30 D',
  'AGENTS',
  'ACTED',
  'UNDONE',
  'EXCUSED',
  'RIGHT',
  'WRONG',
  'ADVICE',
];
const DAY_MS = 86_400_000;
const WINDOW_DAYS = 30;
/** Below so many verdicts a ratio says nothing and is withheld. */
const VERDICTS_MIN = 5;
/** So many questions are asked at once, the newest. */
const ASKED_MAX = 20;
const WRONG_TARGET = 0.15;
const WRONG_RETIRE = 0.5;

/** The command. */
export const detectors: Command = {
  name: 'detectors',
  synopsis: 'detectors [list] [--detectors DIR] | detectors reinstate STEM --by WHO --reason WHY',
  summary:
    'scorecard of every detector: volume, verdicts, maturity, earned tier; keep, tune or retire',
  options: { detectors: 'value', by: 'value', reason: 'value' },
  words: 2,
  run: async (given, context) => {
    const [verb = 'list', stem] = given.words;
    if (verb === 'list') return await list(given, context);
    if (verb !== 'reinstate') throw usage(`no such verb: ${JSON.stringify(verb)}`);
    if (stem === undefined) throw usage('name the detector by its file stem');
    return await reinstate(given, context, stem);
  },
};

async function list(given: Given, { output, environment }: CommandContext): Promise<0> {
  const config = await configOrNull(given);
  const library = await libraryOf(given, config);
  const overrides = config?.detectors?.maturity ?? {};
  const { cards, demoted, asked } = await withStore(given, environment, async (db) => {
    const nowMs = (await eventNowMs(db)) ?? systemClock.nowMs();
    const sinceMs = nowMs - WINDOW_DAYS * DAY_MS;
    const found = await scorecards(db, sinceMs);
    const orders = await readOrders(db);
    const cards = new Map(found.map((one) => [one.detector, one]));
    return { cards, demoted: orders.demoted, asked: await openQuestions(db, sinceMs, ASKED_MAX) };
  });
  const rows = library.detectors.map((detector) => {
    const { stem, version, evidenceClass, status } = detector;
    const card = cards.get(stem) ?? null;
    const measured = library.measured.get(stem) ?? null;
    const isDemoted = demoted.has(`${stem} ${version}`);
    const own = maturityInForce(detector, overrides);
    const maturity = isDemoted && own === 'enforce' ? 'alert' : own;
    const earned = earnedTier({ evidenceClass, status, measured });
    const wrong = wrongRatio(card);
    return {
      stem,
      version,
      maturity,
      isDemoted,
      earned,
      card,
      wrong,
      advice: adviceOf(card, detector),
      questions: asked.filter((one) => one.detector === stem),
    };
  });
  output.json(rows);
  const lines = rows.map((row) => [
    row.stem,
    row.isDemoted ? `${row.maturity} (demoted)` : row.maturity,
    row.earned.tier,
    String(row.card?.detections ?? 0),
    String(row.card?.agents ?? 0),
    String(row.card?.acted ?? 0),
    undoneText(row.card),
    String(row.card?.excepted ?? 0),
    String((row.card?.truePositive ?? 0) + (row.card?.benignTruePositive ?? 0)),
    row.wrong === null ? '-' : `${Math.round(100 * row.wrong)} %`,
    row.advice,
  ]);
  for (const line of table([HEAD, ...lines])) output.line(line);
  output.line(
    `\nThe last ${WINDOW_DAYS} days of event time; ratios are withheld below ${VERDICTS_MIN} verdicts.`,
  );
  for (const line of questionText(asked)) output.line(line);
  return 0;
}

/** `3, 2?`: of so many leases that were undone, on so many nobody said what it was. */
function undoneText(card: Scorecard | null): string {
  if (card === null || card.undone === 0) return '0';
  return card.questions === 0 ? String(card.undone) : `${card.undone}, ${card.questions}?`;
}

/** Undone leases ask for a word: until it is given, the version carries the firing as a false alarm. */
function questionText(asked: readonly OpenQuestion[]): string[] {
  if (asked.length === 0) return [];
  const lines = asked.map(
    ({ detector, verb, agent, said, detectionId }) =>
      `  ${detector}, ${verb} of ${safe(agent, 60)}, ${safe(said, 160)}: ${typed(`verdict ${short(detectionId)} …`)}`,
  );
  return [
    '',
    'Undone, and nobody said what it was; until then it counts as a false alarm:',
    ...lines,
  ];
}

async function reinstate(
  given: Given,
  { output, environment, signal }: CommandContext,
  stem: string,
): Promise<0 | 1> {
  const library = await libraryOf(given, await configOrNull(given));
  const detector = library.detectors.find((one) => one.stem === stem);
  const known = library.detectors.map((one) => one.stem);
  if (detector === undefined) throw usage(notKnown('detector', stem, known, DETECTORS_LISTED));
  const { by, reason } = signed(given);
  const { version } = detector;
  return await withStore(given, environment, async (db) => {
    const { demoted } = await readOrders(db);
    if (!demoted.has(`${stem} ${version}`)) {
      output.line(`Version ${version} of ${safe(stem)} is not demoted.`);
      output.json({ asked: null });
      return 1;
    }
    const id = await ask(db, { type: 'reinstate', detector: stem, version, by, reason });
    const inForce = await takenUp(db, id, signal);
    output.line(inForce ? `${safe(stem)} has the power of its file again.` : `Asked: ${WAITS}`);
    output.json({ asked: 'reinstate', detector: stem, version, inForce });
    return 0;
  });
}

/** Share of false positives among what was judged; null below five verdicts. */
export function wrongRatio(card: Scorecard | null): number | null {
  if (card === null) return null;
  const { truePositive, falsePositive, benignTruePositive } = card;
  const judged = truePositive + falsePositive + benignTruePositive;
  return judged < VERDICTS_MIN ? null : falsePositive / judged;
}

/** keep · judge · tune · retire, with the figure it rests on. */
export function adviceOf(card: Scorecard | null, { maturity }: Pick<Detector, 'maturity'>): string {
  if (card === null || card.detections === 0) return 'keep: silent, which may be right';
  const ratio = wrongRatio(card);
  if (card.questions > 0 && (ratio === null || ratio <= WRONG_TARGET))
    return `judge: ${card.questions} undone without a word`;
  if (ratio === null) {
    const excused = card.excepted / card.detections;
    return excused > 0.5 ? 'tune: most of it is excused' : 'keep: too few verdicts to tell';
  }
  if (ratio >= WRONG_RETIRE) return maturity === 'shadow' ? 'retire' : 'retire, or back to shadow';
  return ratio > WRONG_TARGET ? 'tune: more is wrong than people bear' : 'keep';
}
