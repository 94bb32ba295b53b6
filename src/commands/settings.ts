/** Settings: what of a configuration decides who is heard and how far is acted. */
import type { Config } from '../model/config.ts';

/** What the record keeps of a configuration: no address, no secret, nothing of a machine. */
export function settingsOf(config: Config): Readonly<Record<string, unknown>> {
  const { roles, guardrails, budgets, detectors, control, journal, sources } = config;
  return {
    roles: roles ?? {},
    guardrails: guardrails ?? {},
    budgets: budgets ?? {},
    maturity: detectors?.maturity ?? {},
    sources: sources.map(({ name, kinds, trust }) => ({ name, kinds, trust })),
    drivers: Object.keys(control ?? {}).sort(),
    journal: {
      checkpointEvery: journal?.checkpointEvery ?? '5m',
      keep: journal?.keep ?? null,
      ownKey: journal?.signingKey === undefined,
    },
  };
}
