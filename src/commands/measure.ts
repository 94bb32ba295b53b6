/** `measure`: what benign traffic shows of detectors, written beside them for their version. */
import { systemClock } from '../adapters/clock.ts';
import { toYaml, writeAtomic } from '../adapters/files.ts';
import { createLog } from '../adapters/log.ts';
import type { Config } from '../model/config.ts';
import { dayOf } from '../model/day.ts';
import type { Detection } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Kind } from '../model/event.ts';
import { earnedTier, type Measurement, upperRate } from '../model/power.ts';
import { type Given, usage } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { configOrNull, detectorsDir, libraryOf } from './inputs.ts';
import type { Library } from './library.ts';
import { DETECTORS_LISTED, notKnown } from './meant.ts';
import { count, safe, table } from './output.ts';
import { type Rehearsed, rehearse } from './rehearse.ts';
import { judgedBy, learnFolder } from './replay-learn.ts';
import { sourcesIn } from './sniff.ts';

const HEAD = ['DETECTOR', 'UNITS', 'FALSE', 'AT MOST', 'EARNS', 'WRITTEN'];
/** The kind whose findings need a baseline: without one it could only be silent. */
const NEEDS_BASELINE = 'evidence';

/** One detector's result; `why` says why nothing was measured. */
interface Measured {
  readonly detector: Detector;
  readonly measured: Measurement | null;
  readonly why: string;
}

/** The command. */
export const measure: Command = {
  name: 'measure',
  synopsis:
    'measure STEM|--all --from DIR [--learn DIR] [--where recorded|simulated] [--detectors DIR] [--dry-run]',
  summary: 'count false alarms on a folder of benign sessions; the tier a detector may act by',
  options: {
    ...{ all: 'flag', from: 'value', learn: 'value', where: 'value' },
    ...{ detectors: 'value', 'dry-run': 'flag' },
  },
  words: 1,
  run: async (given, context) => {
    const { output } = context;
    const config = await configOrNull(given);
    const library = await libraryOf(given, config);
    const chosen = chosenOf(given, library);
    const dir = given.value('from');
    if (dir === undefined) throw usage('--from names a folder in which nothing is wrong');
    const where = whereOf(given);
    const result = await rehearsed(given, context, { dir, library, config });
    const kinds = new Set<Kind>();
    for (const source of await sourcesIn(dir, library, config))
      for (const kind of source.kinds) kinds.add(kind);
    const rows = chosen.map((detector) =>
      measuredOf(detector, result, kinds, {
        where,
        date: dayOf(systemClock.nowMs()),
        hasBaseline: given.value('learn') !== undefined,
      }),
    );
    const folder = detectorsDir(given, config);
    if (!given.has('dry-run')) for (const row of rows) await written(row, folder);
    output.json(
      rows.map(({ detector, measured, why }) => ({ detector: detector.stem, measured, why })),
    );
    for (const line of table([HEAD, ...rows.map((row) => shown(row, given.has('dry-run')))]))
      output.line(line);
    return rows.some(({ measured }) => measured !== null) ? 0 : 1;
  },
};

function chosenOf(given: Given, library: Library): readonly Detector[] {
  const [stem] = given.words;
  if (given.has('all') === (stem !== undefined))
    throw usage('name one detector by its file stem, or say --all');
  if (stem === undefined) return library.detectors;
  const found = library.detectors.filter((detector) => detector.stem === stem);
  if (found.length > 0) return found;
  const known = library.detectors.map((one) => one.stem);
  throw usage(notKnown('detector', stem, known, DETECTORS_LISTED));
}

function whereOf(given: Given): 'recorded' | 'simulated' {
  const where = given.value('where') ?? 'recorded';
  if (where === 'recorded' || where === 'simulated') return where;
  throw usage('--where is recorded or simulated; live units are counted by the daemon');
}

async function rehearsed(
  given: Given,
  { output, environment }: CommandContext,
  input: { readonly dir: string; readonly library: Library; readonly config: Config | null },
): Promise<Rehearsed> {
  const log = createLog(environment['PLUMBLINE_LOG'] === 'debug' ? 'debug' : 'error', 'measure');
  // What an exception excuses is a false alarm of the detector all the same.
  const library = { ...input.library, exceptions: [] };
  const { dir, config } = input;
  const progress = (records: number) =>
    output.progress(`measure ${dir}: ${records.toLocaleString('en')} records`);
  const common = { library, config, log, progress, evidence: 'L3' as const };
  const learnt = given.value('learn');
  if (learnt === undefined) return await rehearse({ ...common, dir });
  const profiles = await learnFolder({ ...common, dir: learnt }, output.progress);
  return await rehearse({ ...common, dir, baseline: judgedBy(profiles).baseline });
}

/** What the rehearsal shows of one detector. Exported for tests. */
export function measuredOf(
  detector: Detector,
  result: Pick<Rehearsed, 'sessions' | 'detections' | 'silent'>,
  kinds: ReadonlySet<Kind>,
  how: {
    readonly where: 'recorded' | 'simulated';
    readonly date: string;
    readonly hasBaseline: boolean;
  },
): Measured {
  const { stem, version, needs, kind } = detector;
  const missing = needs.sources.filter((source) => !kinds.has(source));
  if (missing.length > 0)
    return { detector, measured: null, why: `the folder has no ${missing.join(', ')}` };
  if (kind === NEEDS_BASELINE && !how.hasBaseline)
    return { detector, measured: null, why: 'it needs a baseline: --learn DIR' };
  const benignUnits = result.sessions.size;
  if (benignUnits === 0) return { detector, measured: null, why: 'the folder holds no session' };
  const units = new Set<string>();
  for (const one of [...result.detections, ...result.silent])
    if (one.detector === stem) units.add(unitOf(one));
  const { where, date } = how;
  const falseAlarms = Math.min(units.size, benignUnits);
  return { detector, measured: { version, benignUnits, falseAlarms, where, date }, why: '' };
}

/** A session is one unit; what is about an agent as a whole is one by itself. */
function unitOf({ entity }: Detection): string {
  return entity.session === null ? `agent ${entity.agent}` : `session ${entity.session}`;
}

async function written({ detector, measured }: Measured, folder: string): Promise<void> {
  if (measured === null) return;
  const { version, benignUnits, falseAlarms, where, date } = measured;
  const text = toYaml({ version, benignUnits, falseAlarms, where, date });
  await writeAtomic(fileOf(detector, folder), text);
}

function fileOf({ family, stem }: Detector, folder: string): string {
  return `${folder}/${family}/${stem}.measured.yaml`;
}

function shown({ detector, measured, why }: Measured, isDry: boolean): string[] {
  if (measured === null) return [detector.stem, '-', '-', '-', '-', safe(why, 80)];
  const { evidenceClass, status, family, stem } = detector;
  const { benignUnits, falseAlarms } = measured;
  const { tier } = earnedTier({ evidenceClass, status, measured });
  const bound = `${(100 * upperRate(falseAlarms, benignUnits)).toPrecision(2)} %`;
  const file = isDry ? 'no (--dry-run)' : `${family}/${stem}.measured.yaml`;
  return [stem, count(benignUnits, 'unit'), String(falseAlarms), bound, tier, file];
}
