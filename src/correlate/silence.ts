/** Silence: books are heard, and what their gaps prove or hide is stated when it is due. */
import type { Kind } from '../model/event.ts';
import { bookOf } from './books.ts';
import { type Ledger, wakeBook } from './ledger.ts';
import { judgeMissing } from './missing.ts';
import { type AgentEntity, keyOf, type SessionEntity, viewOf } from './session.ts';

/** A record of the book was folded at `ms`: whatever was silent until then is not any more. */
export function hear(ledger: Ledger, kind: Kind, ms: number, tenant: string): void {
  const at = ledger.books.heard(kind, ms, tenant);
  if (at !== null) wakeBook(ledger, kind, tenant, at);
}

/** The streams have ended at `ms`: judges every gap there is, in one order of the books. */
export function settleBooks(ledger: Ledger, ms: number): void {
  const keys: string[] = [];
  for (const [key] of ledger.slots.heads('B')) keys.push(key);
  for (const key of keys.sort()) settleBook(ledger, key, ms, true);
}

/** Judges the gaps of a book, announces blindness, and leaves undecided what it hides. */
export function settleBook(ledger: Ledger, key: string, nowMs: number, final: boolean): void {
  const { kind, tenant } = bookOf(key);
  const { verdicts, announce, again } = ledger.books.settle(kind, nowMs, final, tenant);
  for (const gap of announce) {
    ledger.state({
      type: 'blind',
      coverage: ledger.books.coverage(kind, gap, null, tenant),
      decidedMs: nowMs,
      begins: true,
    });
  }
  for (const { gap, blind, toMs } of verdicts) {
    if (blind) {
      const endMs = final && gap.toMs === null ? null : toMs;
      const coverage = ledger.books.coverage(kind, gap, endMs, tenant);
      ledger.state({ type: 'blind', coverage, decidedMs: nowMs, begins: !gap.announced });
      const hidden = new Set([...gap.sessions, ...gap.missing.map(({ session }) => session)]);
      for (const one of hidden) stateBlindSession(ledger, one, kind, nowMs);
    }
    for (const { session, act } of gap.missing)
      judgeMissing(ledger, session, act, { blind, fromMs: gap.fromMs, toMs, kind, nowMs });
  }
  if (again !== null) wakeBook(ledger, kind, tenant, again);
}

function stateBlindSession(ledger: Ledger, key: string, kind: Kind, nowMs: number): void {
  const session = ledger.slots.get<SessionEntity>('S', key);
  if (session === undefined || session.blind.includes(kind)) return;
  session.blind.push(kind);
  ledger.slots.touch('S', key);
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  ledger.state({
    type: 'blind-session',
    book: kind,
    session: viewOf(session, owner),
    decidedMs: nowMs,
    late: false,
  });
}
