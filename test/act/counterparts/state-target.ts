/** State target: a counterpart that is its state, behind a front; the lies about state are told here. */
import type { Lie, Who } from './counterpart.ts';
import { type Front, startFront, type TargetReply, type TargetRequest } from './front.ts';

/** What a target of this kind is made of. */
export interface StateTargetOptions<State extends object> {
  /** Plain data. */
  readonly state: State;
  /** The target's own work; changes `state` where the request is to. */
  handle(state: State, request: TargetRequest): TargetReply;
  /** True where `state` stops calls of the subject, or of somebody like it. */
  stops(state: State, who: Who): boolean;
  /** What the target holds for the subject: a change of it is an effect. */
  setting(state: State): unknown;
}

/** A running one. */
export interface StateTarget<State extends object> {
  readonly front: Front;
  /** What it knows, whatever it says. */
  readonly state: State;
  lie(mode: Lie | 'honest'): Promise<void>;
  effects(): number;
  stops(who?: Who): Promise<boolean>;
  everything(): string;
  setting(): string;
  close(): Promise<void>;
}

/** Starts it. */
export async function startStateTarget<State extends object>({
  state,
  handle,
  stops,
  setting,
}: StateTargetOptions<State>): Promise<StateTarget<State>> {
  let mode: Lie | 'honest' = 'honest';
  /** What enforcement points go on serving by. */
  let cached: State | null = null;
  let effects = 0;
  const front = await startFront((request) => {
    if (request.method === 'GET') return handle(state, request);
    // Says everything it would say, of a copy that nobody will ever look at.
    if (mode === 'ignore') return handle(structuredClone(state), request);
    const before = JSON.stringify(setting(state));
    const reply = handle(state, request);
    if (JSON.stringify(setting(state)) !== before) effects += 1;
    return reply;
  });
  return {
    front,
    state,
    lie: async (next) => {
      mode = next;
      cached = next === 'serve-on' ? structuredClone(state) : null;
      await front.lie(next);
    },
    effects: () => effects,
    stops: async (who = 'subject') => stops(cached ?? state, who),
    everything: () => JSON.stringify(state),
    setting: () => JSON.stringify(setting(state)),
    close: () => front.close(),
  };
}
