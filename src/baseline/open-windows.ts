/** Open windows: which dimensions signed changes put out of force, and for whom. */
import type { EventFact } from '../model/fact.ts';
import type { UnitHead } from '../model/unit.ts';
import type { LearningWindow } from '../model/window.ts';
import { Heap } from '../state/heap.ts';
import type { Entity, Slots } from '../state/slots.ts';
import { windowFor } from './governance-window.ts';
import { isInScope, type Stance, stanceOf } from './window.ts';

interface Held extends Entity {
  readonly window: LearningWindow;
  /** Whose governance opened it; absent: that of agents without a tenant. */
  readonly tenant?: string;
}

/** Space of windows in the slots. */
export const WINDOWS = 'N';
const WINDOWS_MAX = 1000;

/** Windows that governance opened and that have not expired by event time. */
export interface OpenWindows {
  /** A window that this event opens and that was not known before; else null. */
  see(fact: EventFact): LearningWindow | null;
  /** Those that are open at `ms` for the tenant's agent or role, in the order of their ids. */
  openFor(
    tenant: string,
    agent: string,
    role: string | null,
    ms: number,
  ): readonly LearningWindow[];
  stance(head: UnitHead, dimension: string, ms: number): Stance;
  /** Forgets what is derived; `adopt` is then called with every entity of the space. */
  clear(): void;
  adopt(entity: Entity): void;
}

/** Windows in `slots`; at most 1,000, the one that expires first makes room. */
export function createOpenWindows(slots: Slots): OpenWindows {
  const open = new Map<string, Held>();
  const expiring = new Heap<Held>(({ window: a }, { window: b }) =>
    a.expiresMs === b.expiresMs ? a.id < b.id : a.expiresMs < b.expiresMs,
  );
  const forget = (key: string): void => {
    open.delete(key);
    slots.remove(WINDOWS, key);
  };
  const ofTenant = (tenant: string): LearningWindow[] =>
    [...open.values()].flatMap((held) => ((held.tenant ?? '-') === tenant ? held.window : []));
  return {
    see({ event, tenant }) {
      if (event.kind !== 'governance') return null;
      const permission = windowFor(event);
      if (permission.type !== 'opens') return null;
      const { window } = permission;
      const held: Held = { window, ...(tenant === '-' ? {} : { tenant }) };
      const key = keyOf(held);
      if (open.has(key)) return null;
      const ms = event.time.eventMs;
      for (let top = expiring.peek(); top !== undefined; top = expiring.peek()) {
        if (top.window.expiresMs > ms && open.size < WINDOWS_MAX) break;
        expiring.pop();
        forget(keyOf(top));
      }
      open.set(key, held);
      expiring.push(held);
      slots.put(WINDOWS, key, held);
      return window;
    },
    openFor(tenant, agent, role, ms) {
      const found = ofTenant(tenant).filter(
        (window) =>
          window.opensMs <= ms && ms < window.expiresMs && isInScope(window.scope, { agent, role }),
      );
      return found.sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    stance({ tenant, agent, role }, dimension, ms) {
      if (open.size === 0) return 'enforced';
      return stanceOf(ofTenant(tenant), { agent, role }, dimension, null, ms);
    },
    clear: () => {
      open.clear();
      expiring.clear();
    },
    adopt(entity) {
      const held = entity as Held;
      open.set(keyOf(held), held);
      expiring.push(held);
    },
  };
}

/** Two tenants may name one change alike. */
function keyOf({ tenant, window }: Held): string {
  return tenant === undefined ? window.id : `${window.id} ${tenant}`;
}
