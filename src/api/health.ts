/** Probes and metrics: what an orchestrator and a scraper ask of the process. */
import type { Scope } from '../model/route.ts';
import { type ApiResponse, json, type Route } from './route.ts';

/** What a probe is answered; times in ms. */
export interface Probed {
  readonly ok: boolean;
  readonly status: string;
  readonly components: Readonly<
    Record<
      string,
      { readonly status: string; readonly sinceMs: number | null; readonly detail: string }
    >
  >;
}

/** The questions. None of them may wait for anything outside the process. */
export interface Probes {
  live(): Probed;
  ready(): Probed;
  started(): Probed;
}

/** Routes of probes: anybody may ask, for they say nothing of whom or what is observed. */
export function healthRoutes(probes: Probes): readonly Route[] {
  const route = (path: string, ask: () => Probed): Route => ({
    ...{ method: 'GET', path, scope: null },
    handle: async () => answerOf(ask()),
  });
  return [
    route('/livez', () => probes.live()),
    route('/healthz', () => probes.live()),
    route('/readyz', () => probes.ready()),
    route('/startupz', () => probes.started()),
  ];
}

/**
 * The route of metrics. They name detectors, sources and drivers, and show whether anybody was noticed:
 * an agent that could read them would know what it can get away with. Hence a scope.
 */
export function metricsRoute(text: () => Promise<string>, scope: Scope | null): Route {
  return {
    ...{ method: 'GET', path: '/metrics', scope },
    handle: async () => ({
      status: 200,
      headers: {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        'cache-control': 'no-store',
      },
      body: await text(),
    }),
  };
}

function answerOf({ ok, status, components }: Probed): ApiResponse {
  const parts = Object.entries(components).map(([name, part]) => [
    name,
    {
      status: part.status,
      since: part.sinceMs === null ? null : new Date(part.sinceMs).toISOString(),
      detail: part.detail,
    },
  ]);
  const said = { status, components: Object.fromEntries(parts) };
  return json(ok ? 200 : 503, said, { 'cache-control': 'no-store' });
}
