/** Routes: which sinks are told of what; the first route that fits decides. */
import type { AlertFacts, AlertKind } from '../model/alert.ts';
import type { RouteConfig } from '../model/config/alerts.ts';

/** What routing needs to know of a sink. */
export interface RoutedSink {
  readonly name: string;
  readonly kinds: readonly AlertKind[];
}

/**
 * Sinks that are told of something, in the order written. The first route whose conditions all hold
 * decides, whatever it names: one that names fewer sinks lower down is never reached. Without routes
 * everything goes to every sink. A sink that does not take the kind is left out.
 */
export function sinksFor(
  facts: AlertFacts,
  routes: readonly RouteConfig[] | null,
  sinks: readonly RoutedSink[],
): readonly string[] {
  const takes = sinks.filter(({ kinds }) => kinds.includes(facts.kind)).map(({ name }) => name);
  if (routes === null) return takes;
  const route = routes.find(({ when }) => fits(facts, when));
  if (route === undefined) return [];
  return [...new Set(route.to)].filter((name) => takes.includes(name));
}

function fits(facts: AlertFacts, when: RouteConfig['when']): boolean {
  if (when === undefined) return true;
  const { severity, role, detector } = when;
  return (
    (severity === undefined || severity.includes(facts.level)) &&
    (role === undefined || (facts.role !== null && role.includes(facts.role))) &&
    (detector === undefined || facts.detectors.some((one) => detector.includes(one)))
  );
}
