/** Circumstances: what stages know around a detection, and could explain it away. */
import type { Circumstances, OpenWindow } from '../decide/falsify.ts';
import type { Detection } from '../model/detection.ts';
import { eventIdOf } from '../model/ids.ts';
import type { Lineage } from '../score/casework.ts';
import type { Stages } from './stages.ts';

/** Who knows of them. */
export type Knowing = Pick<Stages, 'correlate' | 'behaviour' | 'detect'>;

/** All of them but those that only its case and its lease tell. */
export type Around = Omit<Circumstances, 'leases' | 'above'> & {
  readonly principal: string | null;
};

/** Asks for them; nothing is changed by it. */
export function circumstancesOf(stages: Knowing, detection: Detection): Around {
  const { correlate, detect } = stages;
  const { tenant, agent } = detection.entity;
  const needs = detect.detectors.get(detection.detector)?.needs.sources ?? [];
  return {
    blindNow: needs.filter((kind) => correlate.blind(kind, tenant)),
    changedMs: correlate.changedMs(tenant, agent),
    windows: windowsAt(stages, detection),
    refusedByUs: refusedByUs(stages, detection),
    shared: null,
    principal: lineageOf(stages, detection).principal,
  };
}

/** For whom the session of a detection runs, and the sessions that led to it. */
export function lineageOf(
  { correlate }: Pick<Stages, 'correlate'>,
  { entity: { tenant, session } }: Detection,
): Lineage {
  if (session === null) return { principal: null, ancestors: [] };
  return correlate.lineage(tenant, session);
}

/** Windows of both kinds that are open for whom it is about, at the time of its evidence. */
function windowsAt(
  { behaviour, correlate }: Knowing,
  { entity: { tenant, agent, role }, timeMs }: Detection,
): OpenWindow[] {
  const learning = behaviour.windows(tenant, agent, role, timeMs).map(
    ({ reason, scope, tools, opensMs, expiresMs }): OpenWindow => ({
      ...{ type: 'learning', name: `${reason} of ${scope.subject}`, tools },
      ...{ fromMs: opensMs, toMs: expiresMs },
    }),
  );
  const change = correlate.windows(tenant, agent, role, timeMs).map(
    ({ level, subject, fromMs, toMs }): OpenWindow => ({
      ...{ type: 'change', name: `of ${level} ${subject}`, tools: null, fromMs, toMs },
    }),
  );
  return [...learning, ...change];
}

/** Which of its witnesses are refusals by a lease of ours, as far as the ledger still holds them. */
function refusedByUs(
  { correlate }: Knowing,
  { entity: { tenant, session }, witnesses }: Detection,
): ReadonlySet<string> {
  const found = new Set<string>();
  if (session === null || witnesses.length === 0) return found;
  for (const { ours, topic, nativeId } of correlate.calls(tenant, session))
    if (ours) found.add(eventIdOf(topic, nativeId));
  return found;
}
