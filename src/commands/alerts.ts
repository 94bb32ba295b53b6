/** `alerts`: what people were told, what could not be told, and a test of each sink. */

import { renderAlert } from '../act/finding/finding.ts';
import { systemClock } from '../adapters/clock.ts';
import { createLog } from '../adapters/log.ts';
import { assert } from '../model/errors.ts';
import { short } from '../model/ids.ts';
import { type ListedAlert, listAlerts, retryDead } from '../record/alert-read.ts';
import { type Given, usage } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { configOf } from './inputs.ts';
import { ROOT } from './library.ts';
import { notKnown } from './meant.ts';
import { findingOptions } from './notifier.ts';
import { openSinks } from './open-sinks.ts';
import { count, safe, table, timeOf, typed } from './output.ts';
import { testAlert } from './own-alerts.ts';
import { withStore } from './reading.ts';
import { readTaxonomyFile } from './taxonomy-file.ts';

const VERBS = ['list', 'retry', 'test'] as const;
const HEAD = ['ALERT', 'SINK', 'CASE', 'LEVEL', 'TELLS', 'STATE', 'TRIES', 'WRITTEN', 'DETAIL'];

/** The command. */
export const alerts: Command = {
  name: 'alerts',
  synopsis: 'alerts [list] [--sink NAME] [--dead] | alerts retry [--sink NAME] | alerts test SINK',
  summary: 'what people were told; send what was given up again; test a sink',
  options: { sink: 'value', dead: 'flag', limit: 'value' },
  words: 2,
  run: async (given, context) => {
    const [word = 'list', name] = given.words;
    const verb = VERBS.find((one) => one === word);
    if (verb === undefined) throw usage(notKnown('verb', word, VERBS, ''));
    if (verb === 'list') return await list(given, context);
    if (verb === 'retry') return await retry(given, context);
    if (name === undefined)
      throw usage('name the sink, as the configuration does: alerts test SINK');
    return await test(given, name, context);
  },
};

async function list(given: Given, { output, environment }: CommandContext): Promise<0> {
  const limit = given.count('limit', 1) ?? 20;
  const sink = given.value('sink');
  const found = await withStore(given, environment, (db) =>
    listAlerts(db, {
      limit,
      ...(sink === undefined ? {} : { sink }),
      ...(given.has('dead') ? { state: 'dead' as const } : {}),
    }),
  );
  output.json(found);
  if (found.length === 0) {
    output.line(given.has('dead') ? 'Nothing was given up.' : 'Nobody was told anything so far.');
    return 0;
  }
  for (const row of table([HEAD, ...found.map(rowOf)])) output.line(row);
  if (found.length === limit) output.line(`(the newest ${limit}; --limit N shows more)`);
  if (found.some(({ state }) => state === 'dead'))
    output.line(`\nTo send what was given up again: ${typed('alerts retry')}`);
  return 0;
}

function rowOf(alert: ListedAlert): string[] {
  const tells = `${alert.kind} ${alert.activity} ${alert.sequence} (${alert.why.join(', ')})`;
  return [
    short(alert.uid),
    safe(alert.sink, 32),
    short(alert.caseId),
    alert.level,
    safe(tells, 60),
    alert.state,
    String(alert.attempts),
    timeOf(alert.createdMs),
    safe(alert.detail ?? '', 80),
  ];
}

async function retry(given: Given, { output, environment }: CommandContext): Promise<0> {
  const sink = given.value('sink') ?? null;
  const again = await withStore(given, environment, (db) =>
    retryDead(db, sink, systemClock.nowMs()),
  );
  output.json({ again });
  output.line(
    again === 0
      ? 'Nothing was given up.'
      : `${count(again, 'alert')} on the way again, in order; a running daemon sends them.`,
  );
  return 0;
}

/** Sends one alert that says of itself that it is a test. No daemon and no store are needed. */
async function test(
  given: Given,
  name: string,
  { output, environment }: CommandContext,
): Promise<0 | 1> {
  const { config } = await configOf(given);
  const log = createLog('error', config.instance ?? 'plumbline');
  const known = Object.keys(config.sinks ?? {});
  if (!known.includes(name))
    throw usage(
      known.length === 0
        ? 'no sink is configured: see docs/alerts.md'
        : notKnown('sink', name, known, ''),
    );
  const only = {
    ...config,
    sinks: Object.fromEntries(Object.entries(config.sinks ?? {}).filter(([one]) => one === name)),
  };
  const opened = await openSinks({ config: only, environment, clock: systemClock, log });
  try {
    const { taxonomy } = await readTaxonomyFile(ROOT);
    const alert = renderAlert(testAlert(systemClock.nowMs()), findingOptions(config, taxonomy));
    assert(alert !== null, 'a test alert is rendered from itself');
    const sink = opened.sinks.get(name);
    assert(sink !== undefined, 'a sink that is configured is made');
    const outcome = await sink.send(alert, null);
    output.json({ sink: name, uid: alert.uid, outcome: outcome.type, detail: outcome.detail });
    const took = outcome.type === 'sent';
    output.line(
      took
        ? `${safe(name)} took it (${safe(outcome.detail)}): look for "${alert.title}". Resolve it there by hand.`
        : `${safe(name)} did not take it: ${outcome.type}, ${safe(outcome.detail)}`,
    );
    return took ? 0 : 1;
  } finally {
    await opened.close();
  }
}
