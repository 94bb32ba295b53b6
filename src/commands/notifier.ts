/** Notifier of a daemon: sinks, routes and rendering as the configuration has them. */

import type { FindingOptions } from '../act/finding/finding.ts';
import { createNotifier, type Notifier, type NotifierStep } from '../act/notify.ts';
import { sinksFor } from '../act/route.ts';
import { createSilences, type Regex } from '../act/silences.ts';
import type { Sink } from '../act/sink.ts';
import { compileRegex } from '../detect/sigma/regex.ts';
import type { Taxonomy } from '../detect/taxonomy.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import type { Database } from '../model/ports.ts';
import { createAlertLog } from '../record/alerts.ts';
import { routedSinks, type SinkParts } from './open-sinks.ts';
import { VERSION } from './store.ts';

/** How alerts are rendered. */
export function findingOptions(config: Config, taxonomy: Taxonomy): FindingOptions {
  const versions = new Map(taxonomy.lists.map(({ namespace, version }) => [namespace, version]));
  return {
    version: config.alerts?.ocsf ?? '1.8.0',
    product: { version: VERSION, instance: config.instance ?? 'plumbline' },
    link: config.alerts?.link ?? null,
    tagOf: (tag) => {
      const name = taxonomy.nameOf(tag);
      const version = versions.get(tag.slice(0, Math.max(0, tag.indexOf('.'))));
      return name === null || version === undefined ? null : { name, version };
    },
  };
}

const REGEXES_MAX = 1000;

/** Expressions of silences: an operator writes them, agents choose what they meet. Linear time. */
export function createRegex(): Regex {
  const known = new Map<string, ReturnType<Regex>>();
  return (pattern) => {
    const held = known.get(pattern);
    if (held !== undefined) return held;
    const compiled = compileRegex(pattern, 's');
    const test = 'search' in compiled ? compiled.search : null;
    if (known.size >= REGEXES_MAX) known.clear();
    known.set(pattern, test);
    return test;
  };
}

/** Makes the notifier of a daemon. */
export function notifierOf(
  parts: SinkParts & { readonly taxonomy: Taxonomy },
  db: Database,
  sinks: ReadonlyMap<string, Sink>,
  onStep?: (step: NotifierStep) => void,
): Notifier {
  const { config, clock, log, taxonomy } = parts;
  const routed = routedSinks(sinks);
  const routes = config.routes ?? null;
  return createNotifier(createAlertLog(db), sinks, clock, log, {
    routing: {
      choose: (facts) => sinksFor(facts, routes, routed),
      groupMs: durationMs(config.alerts?.group ?? '30s'),
      repeatMs: durationMs(config.alerts?.repeat ?? '4h'),
    },
    finding: findingOptions(config, taxonomy),
    silences: createSilences([...sinks.values()], { clock, log, regex: createRegex() }),
    random: () => Math.random(),
    ...(onStep === undefined ? {} : { onStep }),
  });
}
