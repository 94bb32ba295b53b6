/** Governance windows: which dimensions a change that was signed for puts out of force. */
import type { Event } from '../model/event.ts';
import { eventId } from '../model/ids.ts';
import type { LearningWindow, WindowScope } from '../model/window.ts';
import { isSame, openWindow } from './window.ts';

/** What a governance event means for windows. */
export type Permission =
  /** It permits to learn, on these dimensions and nothing else. */
  | { readonly type: 'opens'; readonly window: LearningWindow }
  /** It is such a change, but nobody entitled signed for it: what follows is drift. */
  | { readonly type: 'refused'; readonly reason: string }
  /** It changes nothing that a baseline knows. */
  | { readonly type: 'none' };

/** What a kind of change can move (statistics §8). Dimensions about one tool carry its name. */
const MOVES: Readonly<Record<string, readonly string[]>> = {
  'model.changed': ['sequence', 'intent-gap', 'text-drift', 'level.*'],
  'prompt.changed': ['intent-gap', 'text-drift', 'mix'],
  'role.changed': ['*'],
  // Only the symbols of the tools it names: see `tools` of the window.
  'tools.granted': ['*'],
  'tool.added': ['*'],
};

const NONE: Permission = { type: 'none' };

/**
 * The window a governance event opens. Only events of a source that configuration trusts as policy or
 * platform count, and only if somebody signed who is neither the agent nor what it acts for; where
 * `signers` are listed, one of them. The agent's own behaviour can therefore never open a window.
 * The same event always opens the same window: its id is a hash of the two.
 */
export function windowFor(
  event: Event,
  options: { readonly signers?: readonly string[]; readonly lengthMs?: number } = {},
): Permission {
  const { governance, agent, time } = event;
  if (event.kind !== 'governance' || governance === undefined) return NONE;
  const dimensions = MOVES[governance.change];
  if (dimensions === undefined) return NONE;
  const scope = scopeOf(event);
  if (scope === null) return NONE;
  const refuse = (reason: string): Permission => ({ type: 'refused', reason });
  const { trust } = event.src;
  if (trust !== 'policy' && trust !== 'platform')
    return refuse(`its source is trusted as ${trust}; a window needs policy or platform`);
  const tools = toolsOf(event);
  if (tools !== null && tools.length === 0) return NONE;
  const signers = [...(governance.approval?.by ?? []), governance.actor].filter(
    (one): one is string => one !== undefined && one.trim() !== '',
  );
  const benefits = [agent?.id, event.principal?.sub].filter((one) => one !== undefined);
  const others = signers.filter((signer) => benefits.every((one) => !isSame(signer, one)));
  const listed = options.signers;
  const entitled =
    listed === undefined
      ? others
      : others.filter((signer) => listed.some((one) => isSame(one, signer)));
  const openedBy = entitled[0];
  if (openedBy === undefined) {
    if (signers.length === 0) return refuse('nobody signed it');
    return refuse(
      others.length === 0
        ? 'only who would benefit signed it'
        : 'none of those who signed it is on the list of signers',
    );
  }
  const opened = openWindow({
    scope,
    change: eventId(event),
    rule: null,
    dimensions,
    tools,
    opensMs: time.eventMs,
    openedBy,
    beneficiary: agent?.id ?? null,
    reason: governance.change,
    ...(options.lengthMs === undefined ? {} : { lengthMs: options.lengthMs }),
  });
  return opened.ok ? { type: 'opens', window: opened.window } : refuse(opened.reason);
}

/** The agent it is about, or the role or fleet that its target names; null where neither is said. */
function scopeOf({ agent, governance }: Event): WindowScope | null {
  if (agent !== undefined) return { level: 'agent', subject: agent.id };
  const target = governance?.target;
  if (target === undefined) return null;
  if (target.type === 'fleet') return { level: 'fleet', subject: '*' };
  if (target.type !== 'agent' && target.type !== 'role') return null;
  return target.id === '' ? null : { level: target.type, subject: target.id };
}

/** Tools a change is about; null where it is not about tools. */
function toolsOf({ governance }: Event): readonly string[] | null {
  if (governance?.change === 'tools.granted')
    return (governance.detail?.tools ?? []).map(({ tool }) => tool);
  if (governance?.change !== 'tool.added') return null;
  const named = (governance.detail?.tools ?? []).map(({ tool }) => tool);
  const target = governance.target;
  return target?.type === 'tool' && target.id !== '' ? [target.id, ...named] : named;
}
