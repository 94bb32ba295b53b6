/** `evaluate`: recordings, simulated fleets, budgets, NAB, beside other methods, in one run. */
import path from 'node:path';
import { systemClock } from '../adapters/clock.ts';
import { exists, readText, writeAtomic } from '../adapters/files.ts';
import { goalTable } from '../evaluation/recordings/table.ts';
import { type Given, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { evaluateBudget } from './evaluate-budget.ts';
import { evaluateCorpus, recordingsIn } from './evaluate-corpus.ts';
import { checkNab, evaluateSeries } from './evaluate-nab.ts';
import { pageOf, readTemplate } from './evaluate-page.ts';
import { type Bench, SECTIONS, type Section, type SectionName } from './evaluate-section.ts';
import { evaluateStories, STORY_TRADES } from './evaluate-stories.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import { ROOT } from './library.ts';
import { lengthOf, type Output } from './output.ts';
import { rolesOf } from './story.ts';

/** Where recordings and series lie unless they are named: beside a checkout. */
const BESIDE = path.join(ROOT, '../shared');
/** Seeds of the cells unless more are asked for: a spot check. */
const SEEDS = 10;

/** The command. */
export const evaluate: Command = {
  name: 'evaluate',
  synopsis:
    'evaluate [--corpus DIR] [--nab DIR] [--only corpus,stories,budget,nab] [--seeds N] [--seed S] [--roles NAME,…|stories] [--write FILE]',
  summary: 'judge detection and budgets on labelled recordings, simulated fleets and NAB',
  options: {
    corpus: 'value',
    nab: 'value',
    only: 'value',
    seeds: 'value',
    seed: 'value',
    roles: 'value',
    write: 'value',
    detectors: 'value',
  },
  run: async (given, { output, signal }) => {
    const chosen = chosenOf(given.value('only'));
    const corpus = given.value('corpus') ?? path.join(BESIDE, 'corpus');
    const nab = given.value('nab') ?? path.join(BESIDE, 'benchmarks/nab');
    const seeds = given.count('seeds', 1) ?? SEEDS;
    const roles = given.value('roles') ?? STORY_TRADES;
    rolesOf(roles);
    // What is missing is said before an hour of work, not after it.
    if (chosen.has('corpus')) await recordingsIn(corpus);
    if (chosen.has('nab')) await checkNab(nab);
    const library = await libraryOf(given, await configOrNull(given));
    const bench: Bench = { library, output, seed: given.value('seed') ?? '1' };
    const work: Readonly<Record<SectionName, () => Promise<Section>>> = {
      corpus: () => evaluateCorpus(corpus, bench),
      stories: () => evaluateStories(roles, bench),
      budget: () => evaluateBudget(seeds, bench),
      nab: () => evaluateSeries(nab),
    };
    const sections = new Map<SectionName, Section>();
    const minutes: Partial<Record<SectionName, number>> = {};
    for (const name of SECTIONS) {
      if (!chosen.has(name) || signal.aborted) continue;
      const fromMs = systemClock.nowMs();
      output.progress(`${name}: begun`);
      sections.set(name, await work[name]());
      const tookMs = systemClock.nowMs() - fromMs;
      minutes[name] = tookMs / 60_000;
      output.progress(`${name}: done in ${lengthOf(tookMs)}`);
    }
    await written(given, sections, minutes, output);
    return told(sections, output);
  },
};

/** The parts that `--only` names; all of them without it. CONFIG_INVALID on others. */
export function chosenOf(only: string | undefined): ReadonlySet<SectionName> {
  if (only === undefined) return new Set(SECTIONS);
  const names = only.split(',').map((part) => part.trim());
  return new Set(
    names.map((name) => {
      const known = SECTIONS.find((one) => one === name);
      if (known !== undefined) return known;
      throw usage(`--only names ${JSON.stringify(name)}; possible: ${SECTIONS.join(', ')}`);
    }),
  );
}

/** Tables and goals for people, everything for programs; 1 where a line that must hold is missed. */
function told(sections: ReadonlyMap<SectionName, Section>, output: Output): 0 | 1 {
  for (const [name, { texts }] of sections) {
    output.line(`# ${name}`);
    for (const text of Object.values(texts)) output.line(`\n${text}`);
    output.line();
  }
  const goals = [...sections.values()].flatMap((section) => section.goals);
  const missed = goals.filter(({ isMet }) => !isMet);
  output.line('# What must be shown');
  output.line(`\n${goalTable(goals)}\n`);
  output.line(`${goals.length - missed.length} of ${goals.length} met`);
  const figures = Object.fromEntries(
    [...sections].map(([name, section]) => [name, section.figures]),
  );
  output.json({ goals, missed: missed.length, figures });
  return missed.length > 0 ? 1 : 0;
}

async function written(
  given: Given,
  sections: ReadonlyMap<SectionName, Section>,
  minutes: Readonly<Partial<Record<SectionName, number>>>,
  output: Output,
): Promise<void> {
  const file = given.value('write');
  if (file === undefined) return;
  const previous = (await exists(file)) ? await readText(file) : null;
  const date = new Date(systemClock.nowMs()).toISOString().slice(0, 10);
  const head = { date, command: commandOf(given), minutes };
  await writeAtomic(file, pageOf(await readTemplate(), previous, sections, head));
  output.progress(`${file} written`);
}

/** The command that gives these figures again; folders are left out, they are a machine's own. */
function commandOf(given: Given): string {
  const named = ['only', 'seeds', 'seed', 'roles'].flatMap((name) => {
    const value = given.value(name);
    return value === undefined ? [] : [`--${name} ${value}`];
  });
  return ['npm run -s plumbline -- evaluate', ...named, '--write docs/evaluation.md'].join(' ');
}
