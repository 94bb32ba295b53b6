/** Manner: how an agent goes about its work; from its model, its temperament and the day. */
import { normal, type Random, stream } from './random.ts';

/** How a session is conducted. Factors multiply what the role says. */
export interface Manner {
  /** Whose phrases it uses; null: the few plain ones of roles without prose. */
  readonly style: string | null;
  /** Which of the phrases it likes, 0..1. */
  readonly taste: number;
  readonly tokens: number;
  readonly latency: number;
  readonly bytes: number;
  readonly cost: number;
  readonly think: number;
  /** Above 0 repeats more than others, below 0 less. */
  readonly thorough: number;
  /** Share of changing steps before which it reads once more. */
  readonly rereads: number;
  /** Share of turns in which it writes of what it saw. */
  readonly remarks: number;
  /** Factor on the share of names it makes up. */
  readonly invents: number;
}

/** The manner of a fleet without temperaments. */
export const PLAIN: Manner = {
  style: null,
  taste: 0,
  tokens: 1,
  latency: 1,
  bytes: 1,
  cost: 1,
  think: 1,
  thorough: 0,
  rereads: 0,
  remarks: 0,
  invents: 1,
};

interface ModelHabits {
  readonly tokens: number;
  readonly think: number;
  readonly thorough: number;
  readonly rereads: number;
  readonly remarks: number;
  readonly invents: number;
  /** The model that replaces it. */
  readonly successor: string;
}

const habits = (
  numbers: readonly [number, number, number, number, number, number],
  successor: string,
): ModelHabits => {
  const [tokens, think, thorough, rereads, remarks, invents] = numbers;
  return { tokens, think, thorough, rereads, remarks, invents, successor };
};

const MODELS: Readonly<Record<string, ModelHabits>> = {
  'atlas-large-2': habits([1, 1, 0, 0.12, 0.5, 0.9], 'atlas-large-3'),
  'atlas-small-2': habits([0.8, 0.7, -0.4, 0.05, 0.35, 1.3], 'atlas-small-3'),
  'borealis-3': habits([1.15, 1.2, 0.3, 0.2, 0.65, 0.8], 'borealis-4'),
  'cirrus-mini-1': habits([0.7, 0.55, -0.3, 0.06, 0.25, 1.4], 'cirrus-mini-2'),
  'atlas-large-3': habits([1.6, 1.5, 0.9, 0.55, 0.85, 0.5], 'atlas-large-3'),
  'atlas-small-3': habits([1.4, 1.1, 0.5, 0.4, 0.7, 0.7], 'atlas-small-3'),
  'borealis-4': habits([0.65, 0.6, -0.9, 0.02, 0.2, 1], 'borealis-4'),
  'cirrus-mini-2': habits([1.3, 1, 0.7, 0.45, 0.6, 0.8], 'cirrus-mini-2'),
};

const UNKNOWN = habits([1, 1, 0, 0.1, 0.5, 1], 'atlas-large-3');

/** The model an upgrade of this one leads to. */
export function successorOf(model: string): string {
  return (MODELS[model] ?? UNKNOWN).successor;
}

/** What a change has done to an agent. */
export interface Bent {
  /** Model that really answers. */
  readonly model: string;
  /** Taste and thoroughness come from a prompt of this name. */
  readonly prompt: string;
  /** How far a drift has gone, 0..1. */
  readonly drift: number;
}

const SPREAD = 0.22;

/**
 * The manner of one session. The temperament belongs to agent and prompt; the factors of the day
 * share a common part of correlation `rho`, so that witnesses of one session move together.
 */
export function mannerOf(
  seed: number | string,
  agentId: string,
  session: string,
  bent: Bent,
  rho: number,
): Manner {
  const own = stream(seed, `temper/${agentId}/${bent.prompt}`);
  const model = MODELS[bent.model] ?? UNKNOWN;
  const lean = (sigma: number) => Math.exp(normal(own, 0, sigma));
  const temper = {
    tokens: lean(0.15),
    latency: lean(0.15),
    bytes: lean(0.12),
    think: lean(0.2),
    rereads: lean(0.3),
    remarks: lean(0.25),
    invents: lean(0.3),
    thorough: normal(own, 0, 0.4),
    taste: own.a >>> 0,
  };
  const day = stream(seed, `${session}/day`);
  const common = normal(day, 0, 1);
  const factor = () => dayFactor(day, common, rho);
  const { drift } = bent;
  return {
    style: bent.model,
    taste: temper.taste / 4294967296,
    tokens: model.tokens * temper.tokens * factor() * (1 + drift),
    latency: temper.latency * factor(),
    bytes: temper.bytes * factor() * (1 + 2 * drift),
    cost: factor(),
    think: model.think * temper.think * factor(),
    thorough: model.thorough + temper.thorough + 2 * drift,
    rereads: Math.min(0.9, model.rereads * temper.rereads + 0.4 * drift),
    remarks: Math.min(0.95, model.remarks * temper.remarks),
    invents: model.invents * temper.invents,
  };
}

function dayFactor(random: Random, common: number, rho: number): number {
  const z = Math.sqrt(rho) * common + Math.sqrt(1 - rho) * normal(random, 0, 1);
  return Math.exp(SPREAD * z);
}

/** Standard deviations of the day put on top of a factor. */
export function shifted(factor: number, deviations: number): number {
  return factor * Math.exp(SPREAD * deviations);
}
