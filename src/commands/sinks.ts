/** Sinks of a configuration: every mistake in them and in routes, before anything is opened. */
import type { SinkType } from '../act/sink.ts';
import { SINKS } from '../act/sinks.ts';
import type { Config } from '../model/config.ts';
import type { Problem } from '../model/errors.ts';
import { type Located, problemAt } from '../model/schema.ts';
import { notKnown } from './meant.ts';
import { type ConfiguredPlugins, pluginsOf } from './plugin-options.ts';

/** Types of sinks by name. */
export const SINK_TYPES: Readonly<Record<string, SinkType>> = SINKS;
const SCHEMAS = Object.fromEntries(
  Object.entries(SINK_TYPES).map(([name, { options }]) => [name, options]),
);

/** What of a configuration is about sinks. */
export type SinkSection = Pick<Config, 'sinks' | 'routes' | 'kafka'>;

/**
 * What is wrong with sinks and routes, without network and without secrets: keys, types, addresses,
 * routes to sinks that are not there, and routes that nothing can reach.
 */
export function sinkProblems(config: SinkSection, where: Located): readonly Problem[] {
  const { plugins, problems } = configuredSinks(config, where);
  const found = [...problems];
  const hasKafka = config.kafka !== undefined;
  for (const [name, { type, options }] of plugins)
    for (const { key, message } of SINK_TYPES[type]?.problems(options, { hasKafka }) ?? [])
      found.push(problemAt(where, ['sinks', name, key], message));
  const known = Object.keys(config.sinks ?? {});
  const routes = config.routes ?? [];
  routes.forEach(({ when, to }, at) => {
    to.forEach((name, n) => {
      if (!known.includes(name))
        found.push(
          problemAt(where, ['routes', at, 'to', n], notKnown('sink', name, known, '').trim()),
        );
    });
    const catchesAll = when === undefined || Object.keys(when).length === 0;
    if (catchesAll && at < routes.length - 1)
      found.push(
        problemAt(
          where,
          ['routes', at],
          'it fits everything: the routes after it are never reached',
        ),
      );
  });
  return found;
}

/** Sinks whose options hold, and what is wrong with the others. */
export function configuredSinks(config: SinkSection, where: Located): ConfiguredPlugins {
  return pluginsOf('sink', SCHEMAS, config.sinks ?? {}, ['sinks'], where);
}
