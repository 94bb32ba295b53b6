/** Reads the NAB corpus from text: one CSV per series and the JSON of anomaly windows. */
import { OperatingError } from '../../model/errors.ts';
import type { NabLabels, NabWindow } from './scorer.ts';

/** A labelled series. */
export interface NabSeries extends NabLabels {
  /** `FOLDER/NAME.csv`. */
  readonly name: string;
  /** Milliseconds since 1970 with the file's wall clock read as UTC; in file order, may repeat. */
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
}

const LABELS = 'labels/windows.json';
const SERIES = /^data\/([^/]+\/[^/]+\.csv)$/;
const STAMP = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.\d+)?$/;
const DAY_MS = 86_400_000;

function unreadable(path: string, what: string): OperatingError {
  return new OperatingError(
    'SOURCE_UNREADABLE',
    `NAB corpus, ${path}: ${what}; take the archive as it was delivered`,
    { retryable: false },
  );
}

/** Days since 1970-01-01 of a date of the Gregorian calendar (Hinnant, days_from_civil). */
function dayOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * 146_097 + dayOfEra + dayOfYear - 719_468;
}

/**
 * Milliseconds since 1970 of `YYYY-MM-DD hh:mm:ss`, fractions of a second cut off; NaN where the
 * text is anything else. Both files of the corpus write this form, windows with `.000000`.
 * @example timeMs('1970-01-02 00:00:01') // 86401000
 */
export function timeMs(text: string): number {
  const match = STAMP.exec(text);
  if (match === null) return Number.NaN;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map(Number);
  const inRange = month >= 1 && month <= 12 && day >= 1 && day <= 31;
  if (!inRange || hours > 23 || minutes > 59 || seconds > 59) return Number.NaN;
  return dayOf(year, month, day) * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

interface Columns {
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
}

function readColumns(path: string, text: string): Columns {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines[0] !== 'timestamp,value') throw unreadable(path, 'the header is not timestamp,value');
  const rows = lines.length - 1;
  const timesMs = new Float64Array(rows);
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const [stamp = '', number = '', ...more] = (lines[row + 1] as string).split(',');
    const at = timeMs(stamp);
    const value = number.trim() === '' ? Number.NaN : Number(number);
    if (!Number.isFinite(at) || !Number.isFinite(value) || more.length > 0) {
      throw unreadable(path, `line ${row + 2} is not "YYYY-MM-DD hh:mm:ss,number"`);
    }
    timesMs[row] = at;
    values[row] = value;
  }
  return { timesMs, values };
}

/** Rows of the windows of a series: the *first* rows with the two times, which may repeat. */
function rowsOf(name: string, timesMs: Float64Array, limits: unknown): readonly NabWindow[] {
  if (!Array.isArray(limits)) throw unreadable(LABELS, `${name} has no list of windows`);
  const windows = limits.map((pair: unknown): NabWindow => {
    const [from, to] = (Array.isArray(pair) ? pair : []).map((text) => timeMs(String(text)));
    const first = from === undefined ? -1 : timesMs.indexOf(from);
    const last = to === undefined ? -1 : timesMs.indexOf(to);
    if (first < 0 || last < first) {
      throw unreadable(LABELS, `a window of ${name} does not start and end at rows of it`);
    }
    return { first, last };
  });
  windows.sort((a, b) => a.first - b.first);
  if (windows.some(({ last }, i) => last >= (windows[i + 1]?.first ?? Number.POSITIVE_INFINITY))) {
    throw unreadable(LABELS, `windows of ${name} overlap`);
  }
  return windows;
}

/** One series out of its CSV text and its entry in the windows file. Throws as `readCorpus`. */
export function readSeries(name: string, csv: string, limits: unknown): NabSeries {
  const { timesMs, values } = readColumns(`data/${name}`, csv);
  return { name, rows: values.length, timesMs, values, windows: rowsOf(name, timesMs, limits) };
}

function readLimits(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) throw unreadable(LABELS, 'is missing');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw unreadable(LABELS, 'is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw unreadable(LABELS, 'is not an object of series');
  }
  return parsed as Readonly<Record<string, unknown>>;
}

/**
 * All series of a corpus, sorted by name.
 * Parameters: files - text by path: `data/FOLDER/NAME.csv` and `labels/windows.json`; others are
 * left alone.
 * Throws SOURCE_UNREADABLE on a missing or malformed file, a series without labels, labels without
 * a series: a score over part of a corpus would look like one over all of it.
 */
export function readCorpus(files: ReadonlyMap<string, string>): readonly NabSeries[] {
  const limits = readLimits(files.get(LABELS));
  const series: NabSeries[] = [];
  for (const [path, csv] of files) {
    const name = SERIES.exec(path)?.[1];
    if (name === undefined) continue;
    if (!Object.hasOwn(limits, name)) throw unreadable(LABELS, `${name} is not in it`);
    series.push(readSeries(name, csv, limits[name]));
  }
  const missing = Object.keys(limits).find((name) => !files.has(`data/${name}`));
  if (missing !== undefined) throw unreadable(`data/${missing}`, 'is labelled but missing');
  if (series.length === 0) throw unreadable('data', 'holds no series');
  return series.sort((a, b) => (a.name < b.name ? -1 : 1));
}
