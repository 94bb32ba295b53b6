/** `window`: bounded permissions to learn; open, close, extend, list. */
import { systemClock } from '../adapters/clock.ts';
import { REGISTRY } from '../baseline/dimensions.ts';
import { isOpen, type Opening, WINDOW_DEFAULT_MS } from '../baseline/window.ts';
import { readWindowFile } from '../baseline/window-file.ts';
import { short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import { eventNowMs, listWindows } from '../record/windows.ts';
import { type Given, lengthOfTime, usage } from './arguments.ts';
import { invalid, onlyDocument } from './baseline-files.ts';
import { scopeOf, signature } from './baseline-given.ts';
import { windowText } from './baseline-text.ts';
import type { Command, CommandContext } from './command.ts';
import { safe, typed } from './output.ts';
import { withStore } from './reading.ts';
import { closeWindow, extendWindow, openLearning } from './window-acts.ts';

/** The command. */
export const window: Command = {
  name: 'window',
  synopsis:
    'window [list] [--open] | window open ROLE|FILE --change ID --dimensions A,B | window close|extend WINDOW',
  summary: 'list, open and close bounded permissions to learn',
  options: {
    ...{ open: 'flag', limit: 'value', agent: 'value', fleet: 'flag' },
    ...{ change: 'value', dimensions: 'value', tools: 'value', for: 'value' },
    ...{ beneficiary: 'value', by: 'value', reason: 'value' },
  },
  words: 2,
  run: async (given, context) => {
    const [verb = 'list', word] = given.words;
    return await withStore(given, context.environment, async (db) => {
      switch (verb) {
        case 'list':
          return await list(db, given, context);
        case 'open':
          return await open(db, given, context, word);
        case 'close':
        case 'extend':
          return await change(db, given, context, verb, word);
        default:
          throw usage(`no such verb: ${JSON.stringify(verb)}; there are list, open, close, extend`);
      }
    });
  },
};

async function list(db: Database, given: Given, { output }: CommandContext): Promise<0> {
  const limit = given.count('limit', 1) ?? 20;
  const found = await listWindows(db, { open: given.has('open'), limit });
  const nowMs = await eventNowMs(db, systemClock.nowMs());
  output.json(found);
  if (found.length === 0) output.line('No such window so far: nothing is learnt.');
  for (const one of found) {
    const { level, subject } = one.scope;
    output.line(`${level} ${safe(subject, 80)}`);
    for (const line of windowText(one)) output.line(`  ${line}`);
    if (isOpen(one) && one.expiresMs <= nowMs)
      output.line('     its time is over: the next round of the daemon ends it');
  }
  const waiting = found.find(({ state }) => state === 'REVIEW');
  if (waiting !== undefined)
    output.line(
      `\nRead what waits: ${typed(`baseline review ${(waiting.proposal ?? '').slice(7, 19)}`)}`,
    );
  return 0;
}

async function open(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0 | 1> {
  const { by, reason, clockMs } = signature(given);
  const isFile = word !== undefined && /\.ya?ml$/.test(word);
  const opening = isFile
    ? await openingOfFile(word, by)
    : await openingOf(db, given, word, { by, reason, clockMs });
  for (const name of opening.dimensions)
    if (!isKnown(name))
      throw usage(
        `no dimension ${JSON.stringify(name)}; there are ${[...REGISTRY.keys()].join(', ')}, families like level.*, and *`,
      );
  const opened = await openLearning(db, opening, clockMs);
  output.json(opened);
  if (!opened.isNew) output.line('This change opened its window before; a change has one window.');
  for (const line of windowText(opened.window)) output.line(line);
  return opened.isNew ? 0 : 1;
}

function isKnown(name: string): boolean {
  if (name === '*' || REGISTRY.has(name)) return true;
  return (
    name.endsWith('.*') && [...REGISTRY.keys()].some((one) => one.startsWith(name.slice(0, -1)))
  );
}

async function openingOfFile(file: string, by: string): Promise<Opening> {
  const { value, where } = await onlyDocument(file);
  const { opening, problems } = readWindowFile(value, where, by);
  if (opening === null) throw invalid(problems);
  return opening;
}

async function openingOf(
  db: Database,
  given: Given,
  role: string | undefined,
  { by, reason, clockMs }: ReturnType<typeof signature>,
): Promise<Opening> {
  const scope = scopeOf(given, role);
  const change = given.value('change');
  const dimensions = listOf(given.value('dimensions'));
  if (scope === null) throw usage('name whose behaviour changed: a role, --agent ID or --fleet');
  if (change === undefined)
    throw usage('--change names the governance event or ticket that permits it');
  if (dimensions.length === 0)
    throw usage('--dimensions names what may be learnt; * is everything');
  const tools = listOf(given.value('tools'));
  const length = given.value('for');
  return {
    ...{ scope, change, rule: null, dimensions, openedBy: by, reason },
    tools: tools.length === 0 ? null : tools,
    opensMs: await eventNowMs(db, clockMs),
    lengthMs: length === undefined ? WINDOW_DEFAULT_MS : lengthOfTime(length),
    beneficiary: given.value('beneficiary') ?? null,
  };
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

async function change(
  db: Database,
  given: Given,
  { output }: CommandContext,
  verb: 'close' | 'extend',
  prefix: string | undefined,
): Promise<0> {
  if (prefix === undefined) throw usage('name the window by the first characters of its id');
  const by = signature(given);
  const length = given.value('for');
  const changed =
    verb === 'close'
      ? await closeWindow(db, prefix, by)
      : await extendWindow(
          db,
          prefix,
          length === undefined ? WINDOW_DEFAULT_MS : lengthOfTime(length),
          by,
        );
  output.json(changed);
  output.line(
    verb === 'close'
      ? `Window ${short(changed.id)} is closed; what was in force stays.`
      : `Window ${short(changed.id)} stays open longer; this was its only extension.`,
  );
  for (const line of windowText(changed)) output.line(line);
  return 0;
}
