/** Settings of a lane for tests: four canonical sources, everything else as the daemon has it. */
import { EMPTY_INVENTORY } from '../../src/baseline/inventory.ts';
import { NO_OBJECTIVES } from '../../src/baseline/objectives-file.ts';
import { laneOptions as optionsOf } from '../../src/commands/lane.ts';
import { type ControlPlan, NO_CONTROL } from '../../src/decide/chain.ts';
import { NO_TAXONOMY } from '../../src/detect/taxonomy.ts';
import type { SourceConfig } from '../../src/model/config/source.ts';
import type { Config } from '../../src/model/config.ts';
import { VERBS } from '../../src/model/decision.ts';
import type { Detector } from '../../src/model/detector.ts';
import { KINDS, type Kind, type Trust } from '../../src/model/event.ts';
import type { Exception } from '../../src/model/exception.ts';
import type { Inventory } from '../../src/model/expectation.ts';
import type { ServiceLevels } from '../../src/model/objective.ts';
import type { BaselineOptions, PipelineOptions } from '../../src/pipeline/options.ts';

const TRUST: Readonly<Record<Kind, Trust>> = {
  reasoning: 'agent',
  gateway: 'gateway',
  governance: 'policy',
  metrics: 'platform',
};

/** One source a book; the topic bears the book's name. */
export const SOURCES: readonly SourceConfig[] = KINDS.map((kind) => ({
  name: kind,
  topic: kind,
  decoder: 'canonical',
  trust: TRUST[kind],
  kinds: [kind],
}));

/** How late a record may come, ms. */
export const LATENESS_MS = 30_000;

/** What a test may want otherwise. */
export interface LaneSettings {
  readonly detectors?: readonly Detector[];
  readonly inventory?: Inventory;
  readonly correlate?: Partial<PipelineOptions['correlate']>;
  readonly guardrails?: Partial<PipelineOptions['decide']['guardrails']>;
  readonly modeOf?: PipelineOptions['decide']['modeOf'];
  readonly driver?: string | null;
  /** Several drivers; instead of `driver`. */
  readonly control?: ControlPlan;
  readonly maturity?: PipelineOptions['maturity'];
  /** What behaviour is judged by. Default: nothing. */
  readonly baseline?: BaselineOptions;
  /** What is promised. Default: nothing. */
  readonly levels?: ServiceLevels;
  readonly exceptions?: readonly Exception[];
  /** `expectEvery` of a source, as configuration writes it. */
  readonly expectEvery?: Partial<Record<Kind, string>>;
}

/** Every rung by these drivers in this order; what cannot be undone needs one approver. */
export function controlBy(drivers: readonly string[]): ControlPlan {
  return {
    chains: new Map(VERBS.map((verb) => [verb, drivers])),
    approvals: new Map([['revoke_session', { quorum: 1, withinMs: 600_000 }]]),
  };
}

/** A lane's options. By default every role is autonomous and hard evidence may act. */
export function laneOptions(settings: LaneSettings = {}): PipelineOptions {
  const sources = SOURCES.map((source, at) => {
    const expectEvery = settings.expectEvery?.[KINDS[at] as Kind];
    return expectEvery === undefined ? source : { ...source, expectEvery };
  });
  const config: Config = { sources };
  const library = {
    detectors: settings.detectors ?? [],
    mappings: new Map(),
    inventory: settings.inventory ?? EMPTY_INVENTORY,
    taxonomy: NO_TAXONOMY,
    levels: settings.levels ?? NO_OBJECTIVES,
    problems: [],
    exceptions: settings.exceptions ?? [],
    warnings: [],
  };
  const driver = settings.driver === undefined ? 'test' : settings.driver;
  const { options } = optionsOf(config, library, {
    file: 'test',
    digestKey: 'test',
    control: driver === null ? NO_CONTROL : controlBy([driver]),
    mode: 'autonomous',
    ...(settings.baseline === undefined ? {} : { baseline: settings.baseline }),
  });
  const { decide, correlate } = options;
  // Simulated misdeeds come thick and fast; what limits them is tested where it stands.
  const free = { agentPerHour: 1e6, fleetPerMinute: 1e6 };
  return {
    ...options,
    correlate: { ...correlate, ...settings.correlate },
    maturity: settings.maturity ?? { hard: 'enforce' },
    decide: {
      ...decide,
      modeOf: settings.modeOf ?? decide.modeOf,
      control: settings.control ?? decide.control,
      guardrails: { ...decide.guardrails, ...free, ...settings.guardrails },
    },
  };
}
