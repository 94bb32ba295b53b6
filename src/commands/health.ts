/** Health: whether the process lives, has started, is ready; each part with its reason. */
import { behindOf, type Standing } from './standing.ts';

/** How one part stands. */
export interface Component {
  readonly status: 'ok' | 'failing';
  /** Since when it stands like this, ms; null where nobody noted it. */
  readonly sinceMs: number | null;
  /** One sentence of ours: no addresses, no names of topics, agents or tenants. */
  readonly detail: string;
}

/** An answer to a probe. */
export interface Health {
  readonly ok: boolean;
  /** standby: ready to take over, and another process does the work. */
  readonly status: 'ok' | 'standby' | 'failing';
  readonly components: Readonly<Record<string, Component>>;
}

/** A loop that has not waited for anything for so long hangs in something that does not come back. */
const STUCK_MS = 120_000;

/**
 * Does it live? Asks nothing of Kafka or the database: who waits for them lives. A blocked event loop
 * cannot answer at all, which a probe takes for a no.
 */
export function liveness(standing: Standing, nowMs: number): Health {
  const silentMs = Math.max(0, nowMs - standing.beatMs);
  const stuck = silentMs > STUCK_MS;
  return healthOf('ok', {
    loop: {
      status: stuck ? 'failing' : 'ok',
      sinceMs: stuck ? standing.beatMs : null,
      detail: stuck
        ? `the work has made no step for ${secondsOf(silentMs)}: restart it, positions are stored`
        : 'the work goes on',
    },
  });
}

/** Does it do its work now, or could it take over at once? `lagMs`: how far behind it may be. */
export function readiness(standing: Standing, lagMs: number, nowMs: number): Health {
  const { lane, database } = standing;
  const isStandby = lane.state === 'standby';
  const parts = {
    database: databasePart(database),
    lane: lanePart(standing),
    ...(lane.state === 'working' ? { lag: lagPart(standing, lagMs, nowMs) } : {}),
  };
  return healthOf(isStandby ? 'standby' : 'ok', parts);
}

/** Has it started once: schema checked, state loaded, or another seen to hold the lane? */
export function startup(standing: Standing): Health {
  return healthOf('ok', {
    state: {
      status: standing.started ? 'ok' : 'failing',
      sinceMs: standing.lane.sinceMs,
      detail: standing.started ? 'started' : lanePart(standing).detail,
    },
  });
}

function databasePart({ up, sinceMs, code }: Standing['database']): Component {
  return up
    ? { status: 'ok', sinceMs, detail: 'it answers' }
    : { status: 'failing', sinceMs, detail: `it does not answer (${code ?? 'no code'})` };
}

function lanePart({ lane: { state, sinceMs }, database }: Standing): Component {
  switch (state) {
    case 'working':
      return { status: 'ok', sinceMs, detail: 'claimed and loaded' };
    case 'standby':
      return { status: 'ok', sinceMs, detail: 'another process holds it; this one takes over' };
    case 'loading':
      return { status: 'failing', sinceMs, detail: 'its state is being loaded' };
    case 'starting':
      return {
        ...{ status: 'failing', sinceMs },
        detail: database.up
          ? 'no partitions yet: the group is being joined, or the broker is away'
          : 'waiting for the database',
      };
  }
}

function lagPart({ partitions }: Standing, lagMs: number, nowMs: number): Component {
  const behind = partitions.map((one) => behindOf(one, nowMs));
  const late = behind.filter(({ ms }) => ms > lagMs);
  const worst = Math.max(0, ...late.map(({ ms }) => ms));
  if (late.length === 0)
    return {
      status: 'ok',
      sinceMs: null,
      detail: `${behind.length} partitions are read to within the limit`,
    };
  return {
    ...{ status: 'failing', sinceMs: null },
    detail: `${late.length} of ${behind.length} partitions are behind, the worst ${secondsOf(worst)}; the limit is ${secondsOf(lagMs)}`,
  };
}

function healthOf(fine: 'ok' | 'standby', components: Health['components']): Health {
  const ok = Object.values(components).every(({ status }) => status === 'ok');
  return { ok, status: ok ? fine : 'failing', components };
}

function secondsOf(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
