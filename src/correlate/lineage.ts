/** Lineage: who spawned a session, as far as the ledger holds it. */
import type { Slots } from '../state/slots.ts';
import { keyOf, type SessionEntity } from './session.ts';

/** Generations that are followed; a longer chain is cut, and a circle ends there. */
export const GENERATIONS_MAX = 32;

/** Generations that are told. */
const ANCESTORS_MAX = 4;

const NONE: readonly SessionEntity[] = [];

/** Sessions above this one that are held, the nearest first. Circles are not followed twice. */
export function ancestorsOf(slots: Slots, session: SessionEntity): readonly SessionEntity[] {
  if (session.parent === null) return NONE;
  const above: SessionEntity[] = [];
  const seen = new Set([session.id]);
  let parent: string | null = session.parent;
  while (parent !== null && above.length < GENERATIONS_MAX && !seen.has(parent)) {
    seen.add(parent);
    const next: SessionEntity | undefined = slots.get<SessionEntity>(
      'S',
      keyOf(session.tenant, parent),
    );
    if (next === undefined) break;
    above.push(next);
    parent = next.parent;
  }
  return above;
}

/**
 * Root of the delegation tree and the generations down from it. Where a session above is no longer
 * held, the one below it still knows the root it was opened under.
 */
export function rootOf(
  slots: Slots,
  session: SessionEntity,
): { readonly root: string; readonly depth: number } {
  if (session.parent === null) return { root: session.id, depth: 0 };
  const above = ancestorsOf(slots, session);
  const top = above.at(-1) ?? session;
  const below = above.length;
  if (top.parent === null || top.parent === session.id) return { root: top.id, depth: below };
  return { root: top.root ?? top.parent, depth: below + (top.depth ?? 1) };
}

/** Notes at the opening where the session hangs, and counts it with the one that spawned it. */
export function hangUnder(slots: Slots, session: SessionEntity, parentId: string): void {
  session.root = parentId;
  session.depth = 1;
  if (parentId === session.id) return;
  const key = keyOf(session.tenant, parentId);
  const parent = slots.get<SessionEntity>('S', key);
  if (parent === undefined) return;
  const above = rootOf(slots, parent);
  session.root = above.root;
  session.depth = above.depth + 1;
  parent.children = (parent.children ?? 0) + 1;
  slots.touch('S', key);
}

/** Where a session comes from, as far as it is remembered. */
export interface SessionLineage {
  readonly principal: string | null;
  readonly ancestors: readonly { readonly session: string; readonly agent: string }[];
}

/** For whom the session runs, and the sessions that led to it, as far as they are held. */
export function lineageOf(slots: Slots, tenant: string, session: string): SessionLineage {
  const own = slots.get<SessionEntity>('S', keyOf(tenant, session));
  if (own === undefined) return { principal: null, ancestors: [] };
  const above = ancestorsOf(slots, own).slice(0, ANCESTORS_MAX);
  return {
    principal: own.principal,
    ancestors: above.map(({ id, agent }) => ({ session: id, agent })),
  };
}
