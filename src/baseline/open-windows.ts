/** Open windows: which dimensions signed changes put out of force, and for whom. */
import type { EventFact } from '../model/fact.ts';
import type { UnitHead } from '../model/unit.ts';
import type { LearningWindow } from '../model/window.ts';
import { Heap } from '../state/heap.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';
import { windowFor } from './governance-window.ts';
import { type Stance, stanceOf } from './window.ts';

interface Held extends Entity {
  readonly window: LearningWindow;
}

/** Space of windows in the slots. */
export const WINDOWS = 'N';
const WINDOWS_MAX = 1000;

/** Windows that governance opened and that have not expired by event time. */
export interface OpenWindows {
  /** A window that this event opens and that was not known before; else null. */
  see(fact: EventFact): LearningWindow | null;
  /** Those that are open at `ms` for the agent or role, in the order of their ids. */
  openFor(agent: string, role: string | null, ms: number): readonly LearningWindow[];
  stance(head: UnitHead, dimension: string, ms: number): Stance;
  /** Forgets what is derived; `adopt` is then called with every entity of the space. */
  clear(): void;
  adopt(entity: Entity): void;
}

/** Windows in `slots`; at most 1,000, the one that expires first makes room. */
export function createOpenWindows(slots: Slots): OpenWindows {
  const open = new Map<string, LearningWindow>();
  /** The same by whom they are about. */
  const byScope = new Map<string, Set<LearningWindow>>();
  const expiring = new Heap<LearningWindow>((a, b) =>
    a.expiresMs === b.expiresMs ? a.id < b.id : a.expiresMs < b.expiresMs,
  );
  const enrol = (window: LearningWindow): void => {
    open.set(window.id, window);
    expiring.push(window);
    const scope = scopeKey(window.scope.level, window.scope.subject);
    const own = byScope.get(scope);
    if (own === undefined) byScope.set(scope, new Set([window]));
    else own.add(window);
  };
  const forget = (window: LearningWindow): void => {
    open.delete(window.id);
    const scope = scopeKey(window.scope.level, window.scope.subject);
    const own = byScope.get(scope);
    own?.delete(window);
    if (own?.size === 0) byScope.delete(scope);
    slots.remove(WINDOWS, window.id);
  };
  return {
    see({ event }) {
      if (event.kind !== 'governance') return null;
      const permission = windowFor(event);
      if (permission.type !== 'opens' || open.has(permission.window.id)) return null;
      const { window } = permission;
      const ms = event.time.eventMs;
      for (let top = expiring.peek(); top !== undefined; top = expiring.peek()) {
        if (top.expiresMs > ms && open.size < WINDOWS_MAX) break;
        expiring.pop();
        forget(top);
      }
      enrol(window);
      const held: Held = { window };
      slots.put(WINDOWS, window.id, held);
      return window;
    },
    openFor(agent, role, ms) {
      const found: LearningWindow[] = [];
      const scopes = [FLEET, scopeKey('agent', agent)];
      if (role !== null) scopes.push(scopeKey('role', role));
      for (const scope of scopes)
        for (const window of byScope.get(scope) ?? [])
          if (window.opensMs <= ms && ms < window.expiresMs) found.push(window);
      return found.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    stance({ agent, role }, dimension, ms) {
      if (open.size === 0) return 'enforced';
      return stanceOf([...open.values()], { agent, role }, dimension, null, ms);
    },
    clear: () => {
      open.clear();
      byScope.clear();
      expiring.clear();
    },
    adopt(entity) {
      enrol((entity as Held).window);
    },
  };
}

const FLEET = 'fleet';

/** Whoever is of the fleet is of its scope, whatever that names. */
function scopeKey(level: LearningWindow['scope']['level'], subject: string): string {
  return level === 'fleet' ? FLEET : `${level} ${subject}`;
}
