/** Control: makes the configured drivers, and the order and approvals by which they are used. */
import { DRIVERS } from '../act/act.ts';
import type { Driver, DriverDefinition, DriverParts } from '../act/driver.ts';
import { createHttp } from '../adapters/control-http.ts';
import { type ControlPlan, NO_CONTROL } from '../decide/chain.ts';
import type { Approval } from '../model/config/control.ts';
import type { Config } from '../model/config.ts';
import { VERBS, type Verb } from '../model/decision.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import type { Clock, Database } from '../model/ports.ts';
import type { Polled } from '../model/posture.ts';
import { VERB_NEEDS } from '../model/power.ts';
import { type Located, problemAt } from '../model/schema.ts';
import { createPullOffers } from '../record/offers.ts';
import { createPostureBook } from '../record/posture.ts';
import type { Environment } from './config.ts';
import { notKnown } from './meant.ts';
import { type ConfiguredPlugin, pluginsOf } from './plugin-options.ts';
import { readSecrets } from './plugin-secrets.ts';

const SCHEMAS = Object.fromEntries(
  Object.values(DRIVERS).map(({ type, options }) => [type, options]),
);

/** Every mistake in `control`: found before anything is opened or sent. */
export function controlProblems(config: Config, where: Located): Problem[] {
  const { control } = config;
  if (control === undefined) return [];
  const { plugins, problems } = pluginsOf(
    'driver',
    SCHEMAS,
    control.drivers,
    'control.drivers',
    where,
  );
  const found = [...problems];
  const names = Object.keys(control.drivers);
  for (const [verb, chain] of Object.entries(control.chains ?? {}))
    chain.forEach((name, at) => {
      const say = (message: string) =>
        found.push(problemAt(where, ['control', 'chains', verb, at], message));
      if (!names.includes(name)) say(notKnown('driver', name, names, '').trim());
      else if (chain.indexOf(name) !== at) say(`${name} stands twice in the chain`);
    });
  const approvers = Object.keys(control.approvers ?? {}).length;
  for (const [verb, { quorum = 1 }] of approvalsIn(control.approval))
    if (quorum > approvers)
      found.push(
        problemAt(
          where,
          ['control', 'approval', verb],
          `${quorum} must agree and ${approvers} are listed in control.approvers; add them with their token's hash (plumbline approvals token)`,
        ),
      );
  if (found.length > 0 || plugins.size === 0) return found;
  return [...found, ...chainProblems(config, where)];
}

/** What a chain asks of drivers that hold; capabilities are those of the type, made without secrets. */
function chainProblems(config: Config, where: Located): Problem[] {
  const { control } = config;
  const found: Problem[] = [];
  for (const verb of VERBS) {
    const chain = control?.chains?.[verb];
    if (chain === undefined) continue;
    chain.forEach((name, at) => {
      const type = control?.drivers[name]?.type ?? '';
      const verbs = definitionOf(type)?.verbs ?? [];
      if (!verbs.includes(verb))
        found.push(
          problemAt(
            where,
            ['control', 'chains', verb, at],
            `${name} is of type ${type}, which cannot ${verb}; it can ${verbs.join(', ')}`,
          ),
        );
      else if (isFinal(type, verb) && control?.approval?.[verb] === undefined)
        found.push(
          problemAt(
            where,
            ['control', 'chains', verb, at],
            `${name} is of type ${type}, which cannot undo ${verb}; it needs control.approval.${verb}`,
          ),
        );
    });
    if (!VERB_NEEDS[verb].reversible && control?.approval?.[verb] === undefined)
      found.push(
        problemAt(
          where,
          ['control', 'chains', verb],
          `${verb} cannot be undone and needs control.approval.${verb}`,
        ),
      );
  }
  return found;
}

/** The order and the approvals of a configuration without mistakes. */
export function controlPlan(config: Config): ControlPlan {
  const { control } = config;
  if (control === undefined) return NO_CONTROL;
  const chains = new Map<Verb, readonly string[]>();
  for (const verb of VERBS) {
    const given = control.chains?.[verb] ?? ofAll(control, verb);
    if (given.length > 0) chains.set(verb, given);
  }
  const approvals = new Map(
    approvalsIn(control.approval).map(([verb, { quorum = 1, within = '10m' }]) => [
      verb,
      { quorum, withinMs: durationMs(within) },
    ]),
  );
  return { chains, approvals };
}

/** A driver that cannot undo what others can is used only where a person agrees first. */
function ofAll({ drivers, approval }: NonNullable<Config['control']>, verb: Verb): string[] {
  return Object.entries(drivers)
    .filter(([, { type }]) => definitionOf(type)?.verbs.includes(verb) ?? false)
    .filter(([, { type }]) => approval?.[verb] !== undefined || !isFinal(type, verb))
    .map(([name]) => name);
}

/** True where the verb can be undone in general, and not by this kind of driver. */
function isFinal(type: string, verb: Verb): boolean {
  const { irreversible = [] } = definitionOf(type) ?? {};
  return VERB_NEEDS[verb].reversible && irreversible.includes(verb);
}

function approvalsIn(given: NonNullable<Config['control']>['approval']): [Verb, Approval][] {
  return VERBS.flatMap((verb) => {
    const approval = given?.[verb];
    return approval === undefined ? [] : [[verb, approval] as [Verb, Approval]];
  });
}

function definitionOf(type: string): DriverDefinition<unknown> | undefined {
  const kinds: Readonly<Record<string, DriverDefinition<never>>> = DRIVERS;
  if (!Object.hasOwn(kinds, type)) return undefined;
  // Options were checked by the definition's own schema: whatever it makes of them is its own.
  return kinds[type] as unknown as DriverDefinition<unknown>;
}

/**
 * Makes every configured driver. Rejects with CONFIG_INVALID, naming key and reason and no secret,
 * where one cannot be made; `signals` is the running transmitter. Touches neither network nor database;
 * without one, drivers whose targets poll cannot be made.
 */
export async function driversOf(
  config: Config,
  environment: Environment,
  clock: Clock,
  db?: Database,
  signals: DriverParts<unknown>['signals'] | null = null,
): Promise<ReadonlyMap<string, Driver>> {
  const drivers = new Map<string, Driver>();
  const given = config.control?.drivers ?? {};
  const { plugins } = pluginsOf('driver', SCHEMAS, given, 'control.drivers');
  const http = createHttp();
  // Any member may send again what another sent: the same bytes, or the target must refuse them.
  const { instance = 'plumbline', kafka } = config;
  const source = kafka?.lanes === undefined ? instance : (kafka.group ?? 'plumbline');
  const polled = db === undefined ? {} : { polled: polledOf(config, clock, db) };
  for (const [name, plugin] of plugins) {
    const key = `control.drivers.${name}`;
    const secrets = await readSecrets(plugin.secrets, key, environment);
    const made = makeOne(plugin, {
      ...{ http, clock, name, source, ...polled },
      ...(signals === null ? {} : { signals }),
      secret: (path) => secrets.get(path) ?? '',
    });
    if (!made.ok)
      throw new OperatingError('CONFIG_INVALID', `${key}: ${made.problem}`, { retryable: false });
    drivers.set(name, made.driver);
  }
  return drivers;
}

function polledOf(config: Config, clock: Clock, db: Database): Polled {
  const consumers = Object.entries(config.control?.listener?.consumers ?? {});
  const readers = consumers.filter(([, { scopes }]) => scopes.includes('posture.read'));
  return {
    posture: createPostureBook(
      db,
      readers.map(([name]) => name),
    ),
    offersOf: (driver) => createPullOffers(db, driver, clock),
  };
}

function makeOne(
  plugin: ConfiguredPlugin,
  parts: Omit<Parameters<DriverDefinition<unknown>['make']>[0], 'options'>,
): ReturnType<DriverDefinition<unknown>['make']> {
  const definition = definitionOf(plugin.type);
  if (definition === undefined) return { ok: false, problem: `no driver of type ${plugin.type}` };
  return definition.make({ ...parts, options: plugin.options });
}
