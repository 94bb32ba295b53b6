/** `cases export --as-test`: a judged case becomes a regression case beside its detector. */
import { exists, parseYaml, readText, toYamlLines, writeAtomic } from '../adapters/files.ts';
import type { VerdictValue } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import { OperatingError } from '../model/errors.ts';
import { short } from '../model/ids.ts';
import { recordedMs } from '../record/power.ts';
import { type CaseFile, readCase } from '../record/read.ts';
import { type Given, usage } from './arguments.ts';
import type { WrittenCase } from './case-file.ts';
import { caseRecords, type Sought } from './case-records.ts';
import { type Made, type Making, makeCase, type NotMade, type Target } from './case-regression.ts';
import type { CommandContext } from './command.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import type { Library } from './library.ts';
import { DETECTORS_LISTED, notKnown } from './meant.ts';
import { count, safe, typed } from './output.ts';
import { withStore } from './reading.ts';

const WHY_MAX = 400;
const LINES: ReadonlySet<string> = new Set(['given', 'expect']);
const SHOWN = 6;

/** What was said of a detection, all analysts together: one who says it was wrong is believed. */
interface Judged {
  readonly detection: Detection;
  readonly verdict: VerdictValue;
  readonly by: string;
  readonly note: string;
}

/** Writes the case that the first word names. 1: it cannot be made, or would fail; nothing is written. */
export async function exportCase(
  prefix: string | undefined,
  given: Given,
  { output, environment }: CommandContext,
): Promise<0 | 1> {
  if (!given.has('as-test'))
    throw usage('a case is exported as a test: `cases export CASE --as-test`');
  if (prefix === undefined) throw usage(`name a case; ${typed('cases')} lists them`);
  const config = await configOrNull(given);
  const library = await libraryOf(given, config);
  const { file, judged, chosen, readMs } = await withStore(given, environment, async (db) => {
    const file = await readCase(db, prefix);
    const judged = judgedOf(file);
    const chosen = chosenOf(file, judged, given);
    return { file, judged, chosen, readMs: await recordedMs(db, chosen.detection.id) };
  });
  const detector = library.detectors.find(({ stem }) => stem === chosen.detection.detector);
  if (detector === undefined) {
    const known = library.detectors.map(({ stem }) => stem);
    throw usage(notKnown('detector', chosen.detection.detector, known, DETECTORS_LISTED));
  }
  const found = await caseRecords(
    given,
    library,
    config,
    environment,
    soughtOf(file, chosen, readMs),
  );
  if (found.dropped > 0)
    output.progress(`${count(found.dropped, 'record')} more than fit were left out`);
  const isFalse = chosen.verdict === 'false_positive';
  const making: Making = {
    name: given.value('name') ?? `recorded case ${short(file.case.id)}`,
    why: whyOf(file, chosen),
    ...{ isFalse, target: targetOf(chosen.detection) },
    wrong: judged
      .filter(({ verdict }) => verdict === 'false_positive')
      .map(({ detection }) => targetOf(detection)),
    ...{ own: found.own, others: found.others, content: given.has('content') },
  };
  const made = makeCase(making, library);
  if (!('written' in made)) {
    const lines = notMade(made, making, detector, library);
    output.json({ case: file.case.id, detector: detector.stem, file: null, fired: made.fired });
    for (const line of lines) output.line(line);
    return 1;
  }
  const target = given.value('out') ?? detector.file.replace(/\.ya?ml$/, '.test.yaml');
  const isWritten = made.passes || given.has('failing');
  if (isWritten) await append(target, made.written);
  output.json({
    ...{ case: file.case.id, detector: detector.stem, expects: isFalse ? 'silent' : 'fire' },
    ...{ passes: made.passes, file: isWritten ? target : null, from: made.from },
    ...{ asked: made.asked, isLeast: made.isLeast, content: making.content, written: made.written },
  });
  for (const line of madeText(made, making, target, isWritten, found.place)) output.line(line);
  return isWritten ? 0 : 1;
}

function judgedOf({ detections, verdicts }: CaseFile): readonly Judged[] {
  return detections.flatMap(({ detection, retracted }) => {
    if (retracted) return [];
    const said = verdicts.filter(({ detectionId }) => detectionId === detection.id);
    const word = said.find(({ verdict }) => verdict === 'false_positive') ?? said.at(-1);
    if (word === undefined) return [];
    return [{ detection, verdict: word.verdict, by: word.by, note: word.note }];
  });
}

/** The earliest judged finding, of `--detector` where that is given. */
function chosenOf(
  { case: one, detections }: CaseFile,
  judged: readonly Judged[],
  given: Given,
): Judged {
  const stem = given.value('detector');
  if (stem !== undefined && !detections.some(({ detection }) => detection.detector === stem)) {
    const known = [...new Set(detections.map(({ detection }) => detection.detector))].sort();
    throw usage(notKnown('detector of this case', stem, known, 'see `plumbline explain`'));
  }
  const fitting = judged.filter(
    ({ detection }) => stem === undefined || detection.detector === stem,
  );
  const [chosen] = fitting;
  if (chosen !== undefined) return chosen;
  const id = short(one.id);
  throw new OperatingError(
    'NOT_FOUND',
    `nobody judged case ${id}${stem === undefined ? '' : ` as far as ${stem} is concerned`}: what a test expects is what a person said it was. ` +
      `First: \`plumbline verdict ${id} true_positive|false_positive --by WHO --note WHAT\``,
    { retryable: false },
  );
}

function targetOf({ detector, entity, witnesses }: Detection): Target {
  const evidence = witnesses.map(({ eventId }) => eventId);
  return { detector, agent: entity.agent, session: entity.session, evidence };
}

function soughtOf(
  { case: one, detections }: CaseFile,
  { detection }: Judged,
  readMs: number | null,
): Sought {
  const entities = [one.entity, ...detections.map((each) => each.detection.entity)];
  const sessions = entities.flatMap(({ session }) => (session === null ? [] : [session]));
  const { witnesses, timeMs, decidedMs } = detection;
  return {
    sessions: new Set(sessions),
    agents: new Set(entities.map(({ agent }) => agent)),
    evidence: new Map(witnesses.map(({ eventId, position }) => [eventId, position])),
    firstMs: Math.min(timeMs, ...witnesses.map((each) => each.timeMs)),
    lastMs: decidedMs,
    readMs: Math.max(readMs ?? 0, decidedMs),
  };
}

function whyOf({ case: one }: CaseFile, { detection, verdict, by, note }: Judged): string {
  const word = verdict.replaceAll('_', ' ');
  const what = `${detection.detector} was judged a ${word} by ${by}`;
  return `Recorded. In case ${short(one.id)} ${what}: ${note}`.slice(0, WHY_MAX);
}

/** Puts it at the end of the file, which is made where there is none. Everything else of it stays. */
async function append(file: string, written: WrittenCase): Promise<void> {
  const before = (await exists(file)) ? await readText(file) : '';
  const list = before.trim() === '' ? [] : parseYaml(file, before).file.documents[0]?.value;
  if (!Array.isArray(list)) throw usage(`${file} is no list of cases: name another by --out`);
  if (list.some((each: unknown) => (each as { name?: unknown } | null)?.name === written.name))
    throw usage(`${file} has a case ${JSON.stringify(written.name)}: name this one by --name`);
  const own = toYamlLines([written], LINES);
  const joined = before.trim() === '' ? own : `${before.replace(/\n*$/, '\n')}${own}`;
  const again = parseYaml(file, joined);
  const after = again.file.documents[0]?.value;
  if (again.problems.length > 0 || !Array.isArray(after) || after.length !== list.length + 1)
    throw usage(`${file} is written in a form that cannot be added to: name another by --out`);
  await writeAtomic(file, joined);
}

function madeText(
  made: Made,
  { isFalse, target, name, content }: Making,
  file: string,
  isWritten: boolean,
  place: string,
): string[] {
  const events = made.written.given.length;
  const lines = [
    `${safe(target.detector)} ${isFalse ? 'must stay silent' : 'must fire'} here. ${count(events, 'event')} of ${made.from} recorded in ${safe(place)}${made.isLeast ? '; without any of them it would be another matter' : ''}.`,
    content
      ? 'Names and content are as they were recorded: look through them before you commit.'
      : 'Agents and sessions have other names, content is digests; --content keeps both.',
  ];
  const said = made.outcome.fired.map(({ detector }) => detector);
  if (isWritten) lines.push(`Written: ${JSON.stringify(name)} in ${safe(file)}.`);
  if (made.passes) lines.push('It passes with the detectors as they are now.');
  else
    lines.push(
      `It fails with the detectors as they are now: ${[...new Set(said)].sort().join(', ') || 'nothing'} fires.`,
      isWritten
        ? 'It will pass when the detector is mended.'
        : 'Nothing was written. Mend the detector and run this again, or write it as it is with --failing, while its records are still kept.',
    );
  return lines;
}

/** Why nothing came of it, as far as that can be told. */
function notMade(
  made: NotMade,
  making: Making,
  { stem, kind }: Detector,
  library: Library,
): string[] {
  const fired = [...new Set(made.fired.map(({ detector }) => detector))].sort().slice(0, SHOWN);
  const lines = [
    `${stem} does not fire on the ${count(made.from, 'event')} recorded of this case, so that no test can be made of it. ${fired.length === 0 ? 'Nothing fires.' : `What fires: ${fired.join(', ')}.`}`,
  ];
  if (kind === 'evidence')
    lines.push('It rests on a learnt baseline, which a case does not carry.');
  else if (kind === 'burn-rate')
    lines.push('It rests on objectives of the deployment, which a case does not carry.');
  else if (kind === 'notice' || kind === 'silence')
    lines.push('It rests on what the observer says of itself, which no recorded event is.');
  else if (!making.content && 'written' in makeCase({ ...making, content: true }, library))
    lines.push(
      'It looks at content, and digests do not tell it: with --content it fires. Look through what is written before you commit it.',
    );
  else
    lines.push(
      `It was found by another version, or with records that are not kept any more: ${typed('backtest --from …')} shows what it finds in them.`,
    );
  return lines;
}
