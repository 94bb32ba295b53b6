/** `doctor`: looks at everything a daemon needs; says what is wrong and what to do. */
import process from 'node:process';
import { exists } from '../adapters/files.ts';
import type { Config } from '../model/config.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import type { Database } from '../model/ports.ts';
import type { Given } from './arguments.ts';
import type { Command } from './command.ts';
import { type Environment, problemLines } from './config.ts';
import { lookAtFiles, lookAtKafka } from './doctor-kafka.ts';
import {
  lookAtDisk,
  lookAtNode,
  lookAtPorts,
  lookAtSecrets,
  lookAtTargets,
} from './doctor-machine.ts';
import {
  daemonRuns,
  lookAtBaselines,
  lookAtDatabase,
  lookAtJournal,
  lookAtLane,
  lookAtRecord,
  lookAtSchema,
  openToLook,
} from './doctor-store.ts';
import { fail, type Look, lookLines, ok, tally, warn } from './doctor-text.ts';
import { CONFIG_FILE, detectorsDir, libraryOptions } from './inputs.ts';
import { laneOptions } from './lane.ts';
import { readLibrary } from './library.ts';
import { count } from './output.ts';
import { readConfig } from './read-config.ts';

/** The command. It changes nothing, and works beside a daemon as well as where there is nothing. */
export const doctor: Command = {
  name: 'doctor',
  synopsis: 'doctor [--config FILE]',
  summary: 'look at all that a daemon needs and say what to do; exit 1 where something fails',
  options: { detectors: 'value' },
  run: async (given, { output, environment }) => {
    const looks: Look[] = [lookAtNode(process.versions.node)];
    const read = await lookAtConfig(given, looks);
    if (read.config !== null) await lookAtAll(read.config, environment, looks);
    const { ok: fine, warn: warnings, fail: failures } = tally(looks);
    const isOk = failures === 0;
    output.json({ ok: isOk, fine, warnings, failures, looks });
    for (const line of lookLines(looks)) output.line(line);
    output.line(`${count(failures, 'failure')}, ${count(warnings, 'warning')}, ${fine} in order`);
    if (read.config === null) return 2;
    return isOk ? 0 : 1;
  },
};

/** Reads configuration and library. `config` null: it cannot be used, and nothing else can be said. */
async function lookAtConfig(given: Given, looks: Look[]): Promise<{ config: Config | null }> {
  const named = given.value('config');
  const file = named ?? ((await exists(CONFIG_FILE)) ? CONFIG_FILE : null);
  if (file === null) {
    looks.push(
      warn(
        'config',
        `no ${CONFIG_FILE} here`,
        'deploy/plumbline.yaml is a start; `npm start` is a demo that needs none',
      ),
    );
    return { config: { sources: [] } };
  }
  let read: Awaited<ReturnType<typeof readConfig>>;
  try {
    read = await readConfig(file);
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    looks.push(fail('config', cause.message, 'name the file with --config'));
    return { config: null };
  }
  looks.push(...problemLooks('config', read.problems, 'docs/reference/config.schema.json'));
  if (read.problems.length > 0) return { config: null };
  const { config } = read;
  looks.push(ok('config', `${file}: ${count(config.sources.length, 'source')}`));
  await lookAtLibrary(given, config, file, looks);
  return { config };
}

async function lookAtLibrary(
  given: Given,
  config: Config,
  file: string,
  looks: Look[],
): Promise<void> {
  const library = await readLibrary(detectorsDir(given, config), libraryOptions(config));
  const { problems } = laneOptions(config, library, { file, digestKey: '' });
  looks.push(...problemLooks('detectors', [...library.problems, ...problems], '`plumbline check`'));
  for (const line of problemLines(library.warnings))
    looks.push(warn('detectors', line, 'see `plumbline exceptions` and `lint`'));
  const overrides = config.detectors?.maturity ?? {};
  const inForce = library.detectors.map(({ stem, maturity }) => overrides[stem] ?? maturity);
  const shadows = inForce.filter((maturity) => maturity === 'shadow').length;
  looks.push(
    ok(
      'detectors',
      `${library.detectors.length} are read, ${shadows} of them in shadow, ${library.measured.size} measured`,
    ),
  );
}

function problemLooks(area: string, problems: readonly Problem[], where: string): Look[] {
  return problemLines(problems).map((line) => fail(area, line, `see ${where}`));
}

async function lookAtAll(config: Config, environment: Environment, looks: Look[]): Promise<void> {
  looks.push(await lookAtDisk(config));
  const secrets = await lookAtSecrets(config, environment);
  looks.push(...secrets);
  const opened = await openToLook(config, environment);
  looks.push(...opened.looks);
  let runs = false;
  try {
    const { db } = opened;
    if (db !== null) runs = await lookIntoStore({ ...opened, db }, config, environment, looks);
    looks.push(
      ...(await lookAtKafka(config, environment, opened.db)),
      ...(await lookAtFiles(config)),
    );
  } finally {
    await opened.close();
  }
  looks.push(...(await lookAtPorts(config, runs)), ...(await lookAtTargets(config)));
}

/** True where a daemon works with it. */
async function lookIntoStore(
  { db, embedded }: { readonly db: Database; readonly embedded: boolean },
  config: Config,
  environment: Environment,
  looks: Look[],
): Promise<boolean> {
  try {
    looks.push(...(await lookAtDatabase(db, embedded)));
    const { look, usable } = await lookAtSchema(db);
    looks.push(look);
    if (!usable) return false;
    const runs = await daemonRuns(db, config);
    looks.push(...(await lookAtLane(db, runs)), ...(await lookAtRecord(db)));
    looks.push(...(await lookAtBaselines(db)));
    looks.push(...(await lookAtJournal(db, config, environment)));
    return runs;
  } catch (cause) {
    // What answered a moment ago may be gone now; what was seen until then is still worth saying.
    if (!(cause instanceof OperatingError)) throw cause;
    looks.push(fail('database', cause.message, 'try again'));
    return false;
  }
}
