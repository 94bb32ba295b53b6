/** The four books of a finished fleet, and everything that does not add up in them. */

import type { WireEvent } from '../../src/model/event.ts';
import type { Action } from '../../src/model/event-action.ts';
import type { Emission, Truth } from '../../src/simulation/emission.ts';
import { BURST_CALLS, SPIRAL_FACTOR, SPIRAL_FAILURES } from '../../src/simulation/misbehaviour.ts';
import { ROLES } from '../../src/simulation/roles.ts';
import { STORY_ROLES } from '../../src/simulation/story-roles.ts';

/** A call as the gateway wrote it. */
export interface Made {
  readonly atMs: number;
  readonly seq: number;
  readonly agent: string;
  readonly callId: string;
  readonly action: Action;
}

/** A call as the agent announced it. */
export interface Stated {
  readonly atMs: number;
  /** `seq` of the reasoning record. */
  readonly seq: number;
  readonly index: number;
  readonly tool: string;
  readonly toolType: string | null;
  readonly args: unknown;
}

/** One turn. */
export interface Turn {
  readonly seq: number;
  readonly tokens: number;
  readonly claims: readonly { readonly toolCallId?: string; readonly outcome?: string }[];
}

/** The books of one session. */
export interface Books {
  readonly id: string;
  agent: string;
  role: string;
  parent: string | null;
  closedMs: number | null;
  readonly turns: Turn[];
  readonly stated: Map<string, Stated>;
  readonly made: Made[];
  readonly approvals: {
    readonly tools: readonly string[];
    readonly from: number;
    readonly to: number;
  }[];
  readonly changes: string[];
  readonly metrics: string[];
}

/** What a fleet wrote. */
export interface Ledger {
  /** Agent → tool → tier. */
  readonly grants: Map<string, Map<string, string>>;
  readonly sessions: Map<string, Books>;
}

function booksOf(ledger: Ledger, id: string): Books {
  let books = ledger.sessions.get(id);
  if (books === undefined) {
    books = {
      ...{ id, agent: '', role: '', parent: null, closedMs: null, turns: [], stated: new Map() },
      ...{ made: [], approvals: [], changes: [], metrics: [] },
    };
    ledger.sessions.set(id, books);
  }
  return books;
}

function govern(ledger: Ledger, atMs: number, event: WireEvent): void {
  const { governance, session, agent } = event;
  if (governance === undefined || agent === undefined) return;
  if (governance.change === 'tools.granted') {
    const tools = governance.detail?.tools ?? [];
    const granted = ledger.grants.get(agent.id) ?? new Map<string, string>();
    for (const each of tools) granted.set(each.tool, each.tier ?? '');
    ledger.grants.set(agent.id, granted);
  }
  if (session === undefined) return;
  const books = booksOf(ledger, session.id);
  books.changes.push(governance.change);
  if (governance.change === 'session.opened') {
    books.agent = agent.id;
    books.role = governance.detail?.role ?? '';
    books.parent = governance.detail?.parent ?? null;
  }
  if (governance.change === 'session.closed') books.closedMs = atMs;
  if (governance.change === 'approval.granted') {
    const { tools = [], validFromMs = 0, validToMs = 0 } = governance.approval ?? {};
    books.approvals.push({ tools, from: validFromMs, to: validToMs });
  }
}

/** Writes emissions into books. */
export function keepBooks(emissions: Iterable<Emission>): Ledger {
  const ledger: Ledger = { grants: new Map(), sessions: new Map() };
  for (const { atMs, event } of emissions) {
    govern(ledger, atMs, event);
    if (event.session === undefined) continue;
    const books = booksOf(ledger, event.session.id);
    const seq = event.order?.seq ?? -1;
    if (event.metric !== undefined) books.metrics.push(event.metric.name);
    if (event.reasoning !== undefined) {
      const { tokens, intents, claims } = event.reasoning;
      books.turns.push({ seq, tokens: (tokens?.in ?? 0) + (tokens?.out ?? 0), claims });
      intents.forEach((intent, index) => {
        const { tool, args, toolType = null } = intent;
        books.stated.set(intent.toolCallId ?? '', { atMs, seq, index, tool, toolType, args });
      });
    }
    if (event.action !== undefined) {
      const callId = event.keys?.toolCallId ?? '';
      const agent = event.agent?.id ?? '';
      books.made.push({ atMs, seq, agent, callId, action: event.action });
    }
  }
  return ledger;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const callKey = ({ action }: Made): string => JSON.stringify([action.tool, action.args]);

/** First place where `count` of these lie within `windowMs`; null where there is none. */
export function crowded(made: readonly Made[], count: number, windowMs: number): Made | null {
  for (let i = count - 1; i < made.length; i += 1) {
    const last = made[i];
    const first = made[i - count + 1];
    if (last !== undefined && first !== undefined && last.atMs - first.atMs <= windowMs)
      return last;
  }
  return null;
}

function callFindings(ledger: Ledger, books: Books): string[] {
  const found: string[] = [];
  const denied = new Set<string>();
  const granted = ledger.grants.get(books.agent);
  for (const each of books.made) {
    const { action, seq } = each;
    const done = action.decision === 'allow' && action.outcome === 'ok';
    const intent = books.stated.get(each.callId);
    if (intent === undefined) found.push(`unstated-action@${seq}`);
    else if (intent.tool !== action.tool) found.push(`tool-mismatch@${seq}`);
    else if (!same(intent.args, action.args)) found.push(`argument-mismatch@${seq}`);
    if (each.agent !== books.agent) found.push(`identity-mismatch@${seq}`);
    if (done && granted !== undefined && !granted.has(action.tool)) {
      found.push(`ungranted-action@${seq}`);
    }
    if (books.closedMs !== null && each.atMs > books.closedMs) found.push(`after-close@${seq}`);
    if (done && granted?.get(action.tool) === 'human-in-the-loop') {
      const covers = books.approvals.some(
        ({ tools, from, to }) =>
          tools.includes(action.tool) && from <= each.atMs && each.atMs <= to,
      );
      if (!covers) found.push(`approval-missing@${seq}`);
    }
    if (action.decision === 'deny' && action.policy !== undefined) denied.add(callKey(each));
    if (done && denied.has(callKey(each))) found.push(`denied-then-retried@${seq}`);
  }
  return found;
}

function countFindings(books: Books): string[] {
  const found: string[] = [];
  const failing = new Map<string, Made[]>();
  for (const each of books.made) {
    if (each.action.decision !== 'allow' || each.action.outcome !== 'error') continue;
    const list = failing.get(callKey(each)) ?? [];
    list.push(each);
    failing.set(callKey(each), list);
  }
  for (const list of failing.values()) {
    const last = crowded(list, SPIRAL_FAILURES, 120_000);
    if (last !== null) found.push(`retry-spiral@${last.seq}`);
  }
  const burst = crowded(books.made, BURST_CALLS, 60_000);
  if (burst !== null) found.push(`call-burst@${burst.seq}`);
  const sound =
    [...ROLES, ...STORY_ROLES].find((role) => role.name === books.role)?.tokens.turnMax ?? 0;
  const spiral = books.turns.find(({ tokens }) => tokens > sound * SPIRAL_FACTOR);
  if (spiral !== undefined) found.push(`token-spiral@${spiral.seq}`);
  return found;
}

/** Everything that does not add up in a session: `kind@seq`, or `kind@null` of the whole of it. */
export function findingsOf(ledger: Ledger, books: Books): string[] {
  const found = [...callFindings(ledger, books), ...countFindings(books)];
  const made = new Set(books.made.map((each) => each.callId));
  for (const [callId, { seq, index, toolType }] of books.stated) {
    if (!made.has(callId) && toolType === null) found.push(`phantom-action@${seq + index}`);
  }
  if (!ledger.grants.has(books.agent)) found.push('unknown-agent@null');
  if (books.parent !== null && !ledger.sessions.has(books.parent)) {
    found.push('spawn-without-origin@null');
  }
  return found;
}

/** Labels as findings; a burst may be full a little before its label, by the calls before it. */
export function agreesWith(truths: readonly Truth[], findings: readonly string[]): boolean {
  if (truths.length !== findings.length) return false;
  return truths.every(({ kind, seq, fromSeq }) =>
    findings.some((finding) => {
      if (kind !== 'call-burst') return finding === `${kind}@${seq}`;
      const [found, at] = finding.split('@');
      return found === kind && Number(at) > (fromSeq ?? 0) && Number(at) <= (seq ?? 0);
    }),
  );
}
