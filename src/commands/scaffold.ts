/** `scaffold`: a new detector in shadow, with cases that fail until they are written. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { exists, writeAtomic } from '../adapters/files.ts';
import { KINDS_OF_ANALYTIC } from '../detect/detect.ts';
import { FAMILIES } from '../model/detection.ts';
import { KINDS, type Kind } from '../model/event.ts';
import type { Schema } from '../model/schema.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { configOrNull, detectorsDir } from './inputs.ts';
import { ROOT } from './library.ts';
import { typed } from './output.ts';
import { casesText, detectorText, type Scaffold } from './scaffold-text.ts';

/** Words of Sigma's condition language: no name may be one of them. */
const RESERVED = new Set(['and', 'or', 'not', 'of', 'them', 'all', 'any']);
const FORMS: readonly string[] = ['rule', 'correlation', ...Object.keys(KINDS_OF_ANALYTIC)];

/** The command. */
export const scaffold: Command = {
  name: 'scaffold',
  synopsis: `scaffold FAMILY/STEM --kind ${FORMS.join('|')} [--service ${KINDS.join('|')}] [--detectors DIR]`,
  summary: 'write a new detector in shadow, with ten cases that fail until they are written',
  options: { kind: 'value', service: 'value', detectors: 'value' },
  words: 1,
  run: async (given, { output }) => {
    const { family, stem } = placeOf(given.words[0]);
    const form = formOf(given.value('kind'));
    const service = serviceOf(given.value('service'));
    const dir = detectorsDir(given, await configOrNull(given));
    await refuseTaken(dir, stem);
    const folder = path.join(dir, family);
    const [file, cases] = [
      path.join(folder, `${stem}.yaml`),
      path.join(folder, `${stem}.test.yaml`),
    ];
    const schema = path.relative(
      path.resolve(folder),
      path.join(ROOT, 'docs', 'reference', 'detector.schema.json'),
    );
    const date = new Date().toISOString().slice(0, 10);
    const text = { stem, form, service, date, uuid: randomUUID() };
    await writeAtomic(file, detectorText({ ...text, schema: schema.replaceAll('\\', '/') }));
    await writeAtomic(cases, casesText(stem));
    output.line(shown(file));
    output.line(shown(cases));
    output.line('Write everything marked TODO; then');
    output.line(`  ${typed(`lint ${shown(file)}`)}`);
    if (path.resolve(dir) === path.join(ROOT, 'detectors'))
      output.line(`  npx node --test --test-name-pattern=${family}/${stem} test/detectors.test.ts`);
    output.line(`  ${typed(`backtest --detector ${stem} --corpus DIR`)}`);
    output.json({ file, cases });
    return 0;
  },
};

function shown(file: string): string {
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}

function placeOf(word: string | undefined): { readonly family: string; readonly stem: string } {
  const match = /^([a-z]+)\/([a-z][a-z0-9]*(?:-[a-z0-9]+)*)$/.exec(word ?? '');
  const [, family = '', stem = ''] = match ?? [];
  if (match === null)
    throw usage('name it FAMILY/STEM, the stem in small letters with dashes: volume/bulk-mail');
  if (!FAMILIES.some((known) => known === family))
    throw usage(`no family is called ${JSON.stringify(family)}; there are: ${FAMILIES.join(', ')}`);
  if (RESERVED.has(stem)) throw usage(`${stem} is a word of Sigma's conditions; choose another`);
  if (stem.length > 100) throw usage('the stem is longer than 100 characters');
  return { family, stem };
}

function formOf(kind: string | undefined): Scaffold['form'] {
  if (kind === 'rule' || kind === 'correlation') return kind;
  if (kind === undefined || !Object.hasOwn(KINDS_OF_ANALYTIC, kind))
    throw usage(`--kind is one of ${FORMS.join(', ')}`);
  const params: object = KINDS_OF_ANALYTIC[kind]?.params ?? {};
  return { kind, params: params as Schema };
}

function serviceOf(text: string | undefined): Kind {
  const service = KINDS.find((kind) => kind === (text ?? 'gateway'));
  if (service === undefined) throw usage(`--service is one of ${KINDS.join(', ')}`);
  return service;
}

/** A stem is unique over all families: cases and expectations name detectors by it. */
async function refuseTaken(dir: string, stem: string): Promise<void> {
  for (const family of FAMILIES)
    for (const ending of ['yaml', 'yml', 'test.yaml', 'test.yml']) {
      const file = path.join(dir, family, `${stem}.${ending}`);
      if (await exists(file)) throw usage(`${file} is there already; nothing was written`);
    }
}
