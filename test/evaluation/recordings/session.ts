/** Made-up sessions for the tests of methods. */
import type { CallItem, UnitItem, UnitRecord } from '../../../src/model/unit.ts';

/** A call with what a test says of it. */
export function call(seq: number, tool: string, more: Partial<CallItem> = {}): CallItem {
  return {
    ...{ type: 'call', seq, ms: seq, eventId: `e${seq}`, tool, toolClass: 'read', granted: true },
    ...{ args: {}, decision: 'allow', outcome: 'ok', result: null, bytes: null, ours: false },
    ...more,
  };
}

/** A session of agent `a` in role `r`. */
export function session(
  id: string,
  items: readonly UnitItem[],
  more: { readonly mandate?: string; readonly lastMs?: number } = {},
): UnitRecord {
  const { mandate = 'do it', lastMs = 0 } = more;
  return {
    head: {
      ...{ tenant: '', session: id, agent: 'a', role: 'r', model: null, mandate },
      ...{ taskType: null, openedMs: 0 },
    },
    ...{ items, grants: null, lastMs },
  };
}

/** A metric of a session. */
export function metric(name: string, value: number): UnitItem {
  return { type: 'metric', ms: 0, name, value };
}
