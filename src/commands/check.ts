/** `check`: every problem of configuration, detectors, mappings and inventory at once. */
import { exists } from '../adapters/files.ts';
import { REGISTRY } from '../baseline/dimensions.ts';
import { usage } from './arguments.ts';
import { baselineProblems } from './baseline-files.ts';
import { checkDecode } from './check-decode.ts';
import type { Command } from './command.ts';
import { problemLines } from './config.ts';
import { CONFIG_FILE, detectorsDir, libraryOptions } from './inputs.ts';
import { laneOptions } from './lane.ts';
import { readLibrary } from './library.ts';
import { count, safe } from './output.ts';
import { readConfig } from './read-config.ts';

/** Where export writes unless told otherwise. */
const BASELINES = 'baselines';

/** The command. */
export const check: Command = {
  name: 'check',
  synopsis:
    'check [--config FILE] [--detectors DIR] [--baselines DIR] | check decode --sample FILE (--format NAME/VERSION [--trust WHO] | --source NAME) [--limit N]',
  summary:
    'say every mistake in configuration, detectors, mappings and baselines at once; exit 2 if any. `decode`: what becomes of a sample of records',
  options: {
    ...{ detectors: 'value', baselines: 'value' },
    ...{ sample: 'value', format: 'value', source: 'value', trust: 'value', limit: 'value' },
  },
  words: 1,
  run: async (given, context) => {
    const { output } = context;
    const [verb] = given.words;
    if (verb === 'decode') return await checkDecode(given, context);
    if (verb !== undefined) throw usage(`no such verb: ${JSON.stringify(verb)}; there is decode`);
    for (const name of ['sample', 'format', 'source', 'trust', 'limit'])
      if (given.value(name) !== undefined) throw usage(`--${name} is an option of check decode`);
    const file = given.value('config') ?? ((await exists(CONFIG_FILE)) ? CONFIG_FILE : null);
    const read = file === null ? null : await readConfig(file);
    const config = read?.config ?? null;
    const library = await readLibrary(detectorsDir(given, config), libraryOptions(config));
    const baselines = await baselineProblems(given.value('baselines') ?? BASELINES, REGISTRY);
    const problems = [...(read?.problems ?? []), ...library.problems, ...baselines];
    if (read !== null && read.problems.length === 0) {
      const lane = laneOptions(read.config, library, {
        file: read.file,
        digestKey: '',
      });
      problems.push(...lane.problems);
      const stems = new Set(library.detectors.map(({ stem }) => stem));
      for (const name of Object.keys(read.config.detectors?.maturity ?? {}))
        if (name !== 'hard' && !stems.has(name))
          problems.push({
            file: read.file,
            line: null,
            key: `detectors.maturity.${name}`,
            message: `no such detector; there are: hard, ${[...stems].join(', ')}`,
          });
    }
    const { remarks, warnings } = library;
    output.json({
      ok: problems.length === 0,
      ...{ problems, warnings, remarks, detectors: library.detectors.length },
    });
    for (const line of problemLines(warnings)) output.line(`warning: ${line}`);
    for (const remark of remarks) output.line(safe(remark, 1000));
    for (const line of problemLines(problems)) output.line(line);
    if (problems.length > 0) {
      output.line(count(problems.length, 'problem'));
      return 2;
    }
    output.line(
      `${file ?? `(no ${CONFIG_FILE} here)`}: fine. ${count(library.detectors.length, 'detector')}, ${count(library.mappings.size, 'mapping')}.`,
    );
    return 0;
  },
};
