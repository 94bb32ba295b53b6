/** Settings: the part of the configuration that decides how far an agent may be acted upon. */
import type { Config } from '../model/config.ts';

/** What the record keeps of a configuration: no address, no secret, nothing of a machine. */
export function settingsOf(config: Config): Readonly<Record<string, unknown>> {
  const { roles, guardrails, budgets, detectors, control, journal } = config;
  return {
    roles: roles ?? {},
    guardrails: guardrails ?? {},
    budgets: budgets ?? {},
    maturity: detectors?.maturity ?? {},
    drivers: Object.keys(control ?? {}).sort(),
    journal: {
      checkpointEvery: journal?.checkpointEvery ?? '5m',
      keep: journal?.keep ?? null,
      ownKey: journal?.signingKey === undefined,
    },
  };
}
