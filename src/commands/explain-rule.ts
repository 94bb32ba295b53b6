/** `explain-rule`: what a Sigma detector makes of one event, selection by selection. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stdin } from 'node:process';
import { readText } from '../adapters/files.ts';
import { createLog } from '../adapters/log.ts';
import { createExceptions } from '../decide/exceptions.ts';
import { explainRule, type RuleExplained } from '../detect/sigma/explain.ts';
import { type EventView, recordView, viewOf } from '../detect/sigma/view.ts';
import { levelOf } from '../evaluation/backtest/traffic.ts';
import type { Config } from '../model/config.ts';
import type { Detector } from '../model/detector.ts';
import { OperatingError } from '../model/errors.ts';
import { EVIDENCE_LEVELS, type Event } from '../model/event.ts';
import type { EventFact } from '../model/fact.ts';
import type { LogSource, SigmaRule } from '../model/sigma.ts';
import { type Given, usage } from './arguments.ts';
import { type Corpus, corporaIn } from './backtest-corpora.ts';
import { KAFKA_OPTIONS, kafkaCorpus } from './backtest-kafka.ts';
import type { Command } from './command.ts';
import type { Environment } from './config.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import type { Library } from './library.ts';
import { DETECTORS_LISTED, notKnown } from './meant.ts';
import { jsonText, safe } from './output.ts';
import { rehearse } from './rehearse.ts';

const EVENT_BYTES_MAX = 16 * 1024 * 1024;
const VALUE_SHOWN_MAX = 160;
const ALONE =
  'judged by itself: fields that rest on its session or on governance are those of a first event';

/** The command. */
export const explainRuleCommand: Command = {
  name: 'explain-rule',
  synopsis:
    'explain-rule STEM --event FILE|- | --corpus PATH (--record TOPIC:PARTITION:OFFSET | --session S --seq N) | --brokers H:P --record TOPIC:PARTITION:OFFSET [--from TOPIC:PARTITION:FROM-TO] [--show-values] [--detectors DIR]',
  summary: 'what a detector makes of one event: pass or fail of each selection, field by field',
  options: {
    event: 'value',
    corpus: 'value',
    record: 'value',
    session: 'value',
    seq: 'value',
    'show-values': 'flag',
    detectors: 'value',
    ...KAFKA_OPTIONS,
  },
  words: 1,
  run: async (given, { output, environment, signal }) => {
    const config = await configOrNull(given);
    const library = await libraryOf(given, config);
    const detector = detectorOf(given.words[0], library);
    const isShown = given.has('show-values');
    const explained = await explainedOf(given, {
      ...{ detector, library, config, environment, isShown, signal },
    });
    for (const line of linesOf(detector, explained)) output.line(line);
    output.json({ detector: detector.stem, ...explained });
    return explained.rules.some(({ matches }) => matches) ? 0 : 1;
  },
};

/** What one rule of the detector makes of the event. */
interface RuleVerdict extends RuleExplained {
  /** Passes, and its log source speaks of such events. */
  readonly matches: boolean;
  /** Why a rule that passes is not asked; null where it is. */
  readonly stopped: string | null;
  /** Values of the event by field, where they may be shown. */
  readonly values: Readonly<Record<string, string>> | null;
}

/** The whole answer. */
interface Explained {
  /** What the event is, for people. */
  readonly event: string;
  readonly rules: readonly RuleVerdict[];
  /** What else bears on it: evidence, missing context, correlations. */
  readonly notes: readonly string[];
}

interface Question {
  readonly detector: Detector;
  readonly library: Library;
  readonly config: Config | null;
  readonly environment: Environment;
  readonly isShown: boolean;
  readonly signal: AbortSignal;
}

function detectorOf(stem: string | undefined, { detectors }: Library): Detector {
  const known = detectors.filter(({ sigma }) => sigma !== null).map((each) => each.stem);
  const detector = detectors.find((each) => each.stem === stem);
  if (stem === undefined) throw usage(`name a detector; written in Sigma are: ${known.join(', ')}`);
  if (detector === undefined) throw usage(notKnown('detector', stem, known, DETECTORS_LISTED));
  if (detector.sigma !== null) return detector;
  throw usage(
    `${detector.stem} is an analytic (${detector.kind}) and has no selections: \`backtest --detector ${detector.stem}\` shows what it says`,
  );
}

async function explainedOf(given: Given, question: Question): Promise<Explained> {
  const file = given.value('event');
  if (file === undefined) return await fromHistory(given, question);
  for (const option of ['corpus', 'record', 'session', 'from', 'topics'])
    if (given.value(option) !== undefined)
      throw usage(`one of --event and --${option}: an event by itself, or one in its history`);
  return await fromText(file === '-' ? await readStdin() : await readText(file), question);
}

/** An event by itself, put before the core like any record; one that is none is taken as it is. */
async function fromText(text: string, question: Question): Promise<Explained> {
  const record = parsed(text);
  const folder = await mkdtemp(path.join(tmpdir(), 'plumbline-event-'));
  try {
    const archive = path.join(folder, 'event.jsonl');
    await writeFile(archive, `${JSON.stringify(record)}\n`);
    const [corpus] = await corporaIn([archive], question.library, question.config);
    const found = corpus === undefined ? null : await eventIn(corpus, () => true, question);
    if (found !== null)
      return {
        ...found,
        notes: [...found.notes, ALONE],
      };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const view = recordView(record);
  return {
    event: 'a record that is no agent event',
    rules: rulesOf(question, view, null),
    notes: ['no source reads it: only its own fields are looked at, whatever the log source'],
  };
}

/** An event in its history: everything before it is run first, so that derived fields are right. */
async function fromHistory(given: Given, question: Question): Promise<Explained> {
  const { library, config, environment } = question;
  const wanted = wantedOf(given);
  const place = given.value('corpus');
  const asked = withRange(given);
  const range = await kafkaCorpus(asked, library, config, environment);
  if (place === undefined && range === null)
    throw usage('which event? --event FILE, or --corpus PATH with --record or --session and --seq');
  const folders = place === undefined ? [] : await corporaIn([place], library, config);
  for (const corpus of [...folders, ...(range === null ? [] : [range])]) {
    const found = await eventIn(corpus, wanted, question);
    if (found === null) continue;
    return asked === given ? found : { ...found, notes: [...found.notes, ALONE] };
  }
  throw new OperatingError('NOT_FOUND', 'no such event there, or it could not be read', {
    retryable: false,
  });
}

/** A record that is named with neither corpus nor range is asked of the brokers by itself. */
function withRange(given: Given): Given {
  const record = given.value('record');
  const isNamed = ['corpus', 'from', 'topics'].some((option) => given.value(option) !== undefined);
  if (record === undefined || isNamed) return given;
  const [start, offset] = [
    record.slice(0, record.lastIndexOf(':')),
    Number(record.split(':').at(-1)),
  ];
  const from = `${start}:${offset}-${offset + 1}`;
  return { ...given, value: (name) => (name === 'from' ? from : given.value(name)) };
}

function wantedOf(given: Given): (event: Event) => boolean {
  const [record, session] = [given.value('record'), given.value('session')];
  const seq = given.count('seq', 0);
  if (record !== undefined) {
    const match = /^(.+):(\d+):(\d+)$/.exec(record);
    if (match === null) throw usage('--record takes TOPIC:PARTITION:OFFSET');
    const [, topic, partition, offset] = match;
    return ({ src }) =>
      src.topic === topic && src.partition === Number(partition) && src.offset === Number(offset);
  }
  if (session === undefined || seq === undefined)
    throw usage('which event of it? --record TOPIC:PARTITION:OFFSET, or --session S and --seq N');
  return (event) => event.session?.id === session && event.order?.seq === seq;
}

/** Runs a corpus and explains the event while the core holds what it knew then; null: not found. */
async function eventIn(
  corpus: Corpus,
  wanted: (event: Event) => boolean,
  question: Question,
): Promise<Explained | null> {
  const { library, config, signal } = question;
  let found: Explained | null = null;
  await rehearse({
    ...{
      dir: corpus.place,
      library: { ...library, detectors: [] },
      config,
      evidence: 'L3',
      signal,
    },
    ...(corpus.feed === null ? {} : { feed: corpus.feed }),
    log: createLog('error', 'explain-rule'),
    progress: () => undefined,
    onFact: (fact) => {
      if (fact.type === 'event' && found === null && wanted(fact.event))
        found = explainFact(fact, question);
    },
  });
  return found;
}

function explainFact(fact: EventFact, question: Question): Explained {
  const { event } = fact;
  const { topic, partition, offset } = event.src;
  const { kind, category } = event;
  const view = viewOf(fact, question.library.inventory);
  const source: LogSource = { product: 'ai_agent', service: kind, category };
  const seq = event.order?.seq;
  const who = [
    event.session === undefined ? null : `session ${event.session.id}`,
    event.agent === undefined ? null : `agent ${event.agent.id}`,
    seq === undefined ? null : `seq ${seq}`,
  ].filter((part) => part !== null);
  return {
    event: `${kind}/${category} at ${topic}:${partition}:${offset}, ${who.join(', ')}`,
    rules: rulesOf(question, view, source),
    notes: [...notesOf(question.detector, event), ...excusesOf(fact, question)],
  };
}

/** The exception that would excuse what the detector finds here. */
function excusesOf(fact: EventFact, { detector, library, config }: Question): string[] {
  const { event, tenant, role, session } = fact;
  const neverTouch = new Set(config?.guardrails?.neverTouch ?? []);
  const agent = session?.agent ?? fact.agent;
  const excuse = createExceptions(library.exceptions, neverTouch).excusing({
    ...{ detector: detector.stem, family: detector.family, tool: event.action?.tool ?? null },
    entity: { tenant, agent, role, session: session?.id ?? null },
    timeMs: event.time.eventMs,
  });
  if (excuse === null) return [];
  return [
    `what it finds here is excused by ${excuse.id} (${excuse.owner}: ${excuse.reason}): recorded, and nobody is alerted`,
  ];
}

function rulesOf(
  { detector, isShown }: Question,
  view: EventView,
  source: LogSource | null,
): RuleVerdict[] {
  return (detector.sigma?.rules ?? []).map((rule) => {
    const explained = explainRule(rule, view);
    const stopped = source === null ? null : conflictOf(rule.source, source);
    const fields = new Set(
      explained.selections.flatMap(({ matches }) => matches.map(({ field }) => field)),
    );
    fields.delete(null);
    return {
      ...explained,
      stopped,
      matches: explained.pass && stopped === null,
      values: isShown ? valuesOf(view, fields as ReadonlySet<string>) : null,
    };
  });
}

function valuesOf(view: EventView, fields: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(
    [...fields].map((field) => {
      const value = view.get(field);
      return [field, value === undefined ? 'absent' : jsonText(value).slice(0, VALUE_SHOWN_MAX)];
    }),
  );
}

/** A rule is not asked where its log source names a dimension and the event has another. */
function conflictOf(rule: SigmaRule['source'], event: LogSource): string | null {
  for (const key of ['product', 'service', 'category'] as const)
    if (rule[key] !== null && event[key] !== null && rule[key] !== event[key])
      return `its log source is ${key} ${rule[key]}, and this event is ${key} ${event[key]}`;
  return null;
}

function notesOf({ needs, sigma, maturity }: Detector, event: Event): string[] {
  const notes: string[] = [];
  const has = levelOf(event);
  if (EVIDENCE_LEVELS.indexOf(has) < EVIDENCE_LEVELS.indexOf(needs.evidence))
    notes.push(
      `the detector needs evidence ${needs.evidence}, and this event carries ${has}: what is withheld cannot match`,
    );
  const others = needs.sources.filter((kind) => kind !== event.kind);
  if (others.length > 0)
    notes.push(
      `it also needs ${others.join(' and ')}: while one of them is blind it alerts and does not act`,
    );
  const last = sigma?.correlations.at(-1);
  if (last !== undefined)
    notes.push('a correlation decides: a rule that matches here is one of the events it counts');
  if (maturity === 'shadow') notes.push('in shadow: what fires goes to the journal only');
  return notes;
}

function linesOf({ stem }: Detector, { event, rules, notes }: Explained): string[] {
  const mark = (pass: boolean) => (pass ? 'PASS' : 'FAIL');
  const lines = [safe(event, 400)];
  for (const rule of rules) {
    const verdict = rule.matches ? 'MATCHES' : 'does not match';
    lines.push(
      '',
      `${stem === rule.rule.replaceAll('_', '-') ? stem : `${stem} / ${rule.rule}`}: ${verdict}`,
    );
    if (rule.stopped !== null) lines.push(`  not asked: ${rule.stopped}`);
    for (const placeholder of rule.unresolved)
      lines.push(`  no values are declared for %${placeholder}%: it cannot match`);
    for (const { name, pass, matches } of rule.selections) {
      lines.push(`  ${mark(pass)}  ${safe(name)}`);
      for (const match of matches) {
        const value = match.field === null ? undefined : rule.values?.[match.field];
        const found = value === undefined ? match.found : safe(value, VALUE_SHOWN_MAX);
        lines.push(`    ${mark(match.pass)}  ${safe(match.asked)}: ${safe(found)}`);
      }
    }
    if (rule.counterfactual.length > 0)
      lines.push(`  otherwise ${safe(rule.counterfactual.join(', and '), 600)}`);
  }
  return [
    ...lines,
    ...(notes.length === 0 ? [] : ['']),
    ...notes.map((note) => `note: ${safe(note, 600)}`),
  ];
}

function parsed(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw usage('the event is no JSON: give one object', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usage('the event is one JSON object');
  return value;
}

async function readStdin(): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stdin) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > EVENT_BYTES_MAX) throw usage('the event is larger than 16 MiB');
  }
  return Buffer.concat(parts).toString('utf8');
}
