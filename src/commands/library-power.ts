/** Power of the library: measurement records beside detectors, and exceptions. */
import { systemClock } from '../adapters/clock.ts';
import { readYamlFolder } from '../adapters/files.ts';
import { readExceptions } from '../detect/exception-file.ts';
import { readMeasured } from '../detect/measured-file.ts';
import { FAMILIES } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Problem } from '../model/errors.ts';
import type { Exception } from '../model/exception.ts';
import type { Measurement } from '../model/power.ts';

/** Files that lie beside a detector and are none. */
export const BESIDE = /\.(?:test|measured)\.ya?ml$/;
const MEASURED = /([^/\\]+)\.measured\.ya?ml$/;

/** What the library says of power besides the detectors themselves. */
export interface LibraryPower {
  /** Measurements of the versions that are in the folder, by stem; others are ignored and said. */
  readonly measured: ReadonlyMap<string, Measurement>;
  readonly exceptions: readonly Exception[];
  readonly problems: readonly Problem[];
  /** What a person should know although nothing is wrong: a measurement that an edit made void. */
  readonly remarks: readonly string[];
}

/** Reads it all. What has a problem is left out and said. */
export async function readPower(
  detectorsDir: string,
  detectors: readonly Detector[],
): Promise<LibraryPower> {
  const measured = new Map<string, Measurement>();
  const problems: Problem[] = [];
  const remarks: string[] = [];
  const byStem = new Map(detectors.map((detector) => [detector.stem, detector]));
  for (const family of FAMILIES) {
    const beside = await readYamlFolder(`${detectorsDir}/${family}`, {
      optional: true,
      wanted: (name) => MEASURED.test(name),
    });
    problems.push(...beside.problems);
    for (const { file, documents } of beside.files) {
      const stem = MEASURED.exec(file)?.[1];
      if (stem === undefined) continue;
      for (const { value, lineOf } of documents) {
        const read = readMeasured(value, { file, lineOf });
        problems.push(...read.problems);
        if (read.measured === null) continue;
        const said = voidBecause(stem, read.measured, byStem.get(stem));
        if (said === null) measured.set(stem, read.measured);
        else remarks.push(`${file}: ${said}`);
      }
    }
  }
  const folder = await readYamlFolder(`${detectorsDir}/exceptions`, { optional: true });
  const texts = folder.files.flatMap(({ file, documents }) =>
    documents.map(({ value, lineOf }) => ({ file, document: value, lineOf })),
  );
  const read = readExceptions(texts, detectors, systemClock.nowMs());
  problems.push(...folder.problems, ...read.problems);
  return { measured, exceptions: read.exceptions, problems, remarks };
}

function voidBecause(
  stem: string,
  { version }: Measurement,
  detector: Detector | undefined,
): string | null {
  if (detector === undefined) return `measures ${stem}, which is not there; delete it`;
  if (detector.version === version) return null;
  return `measured version ${version}, and ${stem} is ${detector.version} now: void, measure again`;
}
