/** Dimensions: every way in which a unit can be strange, in the order evidence is summed. */
import type { Dimension } from './dimension.ts';
import { firstSeen } from './dimensions/first-seen.ts';
import { grants } from './dimensions/grants.ts';
import { hours } from './dimensions/hours.ts';
import { levelOf } from './dimensions/level.ts';
import { mix } from './dimensions/mix.ts';
import { rateOf } from './dimensions/rate.ts';
import { sequence } from './dimensions/sequence.ts';
import { textDrift } from './dimensions/text-drift.ts';
import type { Registry } from './proposal.ts';

/** All of them. A role has at most twelve in force: averaging over more dilutes. */
export const DIMENSIONS: readonly Dimension[] = [
  sequence,
  firstSeen,
  mix,
  hours,
  rateOf({ name: 'rate.calls', per: 'minutes', what: 'calls', counts: () => true }),
  rateOf({
    name: 'rate.errors',
    per: 'calls',
    what: 'errors',
    counts: ({ outcome, decision }) => outcome === 'error' && decision !== 'deny',
  }),
  rateOf({
    name: 'rate.refusals',
    per: 'calls',
    what: 'refusals',
    counts: ({ decision }) => decision === 'deny',
  }),
  rateOf({
    name: 'rate.repeats',
    per: 'calls',
    what: 'repeats',
    counts: ({ tool }, before) => before !== null && tool.slice(0, 256) === before,
  }),
  levelOf({
    name: 'level.tokens',
    metrics: ['tokens', 'agent.session.tokens', 'gen_ai.client.token.usage'],
    sides: 'upper',
  }),
  levelOf({ name: 'level.cost', metrics: ['cost', 'agent.session.cost'], sides: 'upper' }),
  levelOf({
    name: 'level.duration_ms',
    metrics: ['duration_ms', 'agent.session.duration', 'gen_ai.client.operation.duration'],
    sides: 'both',
  }),
  levelOf({ name: 'level.bytes_out', metrics: ['bytes_out'], sides: 'upper' }),
  levelOf({ name: 'level.llm_steps', metrics: ['llm_steps'], sides: 'upper' }),
  textDrift,
  grants,
];

/** Dimensions by name. */
export const REGISTRY: Registry = new Map(DIMENSIONS.map((one) => [one.name, one]));
