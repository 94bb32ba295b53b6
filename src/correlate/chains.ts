/** Chains: whether the links that producers put into their records still hold together. */
import type { NoticeCode } from '../model/detection.ts';
import type { Event } from '../model/event.ts';
import type { Entity, Slots } from '../state/slots.ts';
import { markOf, nameOf } from './session.ts';

const SPACE = 'Vc';
/** Ends of chains kept a source, and records that wait for the one before them. */
const ENDS_MAX = 512;
const WAITING_MAX = 512;
/** Clocks of one source may differ by so much: the record before may be stamped later. */
const TOLERANCE_MS = 2000;
/** So long after the first record of a source its chains may begin in their midst: we came later. */
const GRACE_MS = 600_000;

interface Waiting {
  readonly prev: string;
  readonly hash: string;
  readonly ms: number;
  readonly agent: string;
}

interface Chains extends Entity {
  firstMs: number;
  /** Digest of the last record of each chain → event time, ms. */
  ends: Record<string, number>;
  waiting: Waiting[];
}

/** Follows chains. */
export interface ChainWatch {
  /** Enters the link of a folded event, if it has one. Repeats are not folded, and do not come here. */
  see(event: Event, agent: string): void;
}

/**
 * Says `evidence.chain-gap` where a record follows one that is not the end of any chain of its source: something
 * between was left out, or put in. Whether a digest is that of its record only its producer can check.
 */
export function createChains(
  slots: Slots,
  notice: (code: NoticeCode, subject: string, detail: string, ms: number) => void,
): ChainWatch {
  return {
    see: (event, agent) => {
      const link = event.evidence?.chain;
      if (link === undefined) return;
      const source = event.src.name;
      const ms = event.time.eventMs;
      const chains = chainsOf(slots, source, ms);
      judge(chains, ms, (one) => {
        const detail = `a record of ${one.agent} follows one that is not the last of any chain here`;
        notice('evidence.chain-gap', `${source}/${one.agent}`, detail, one.ms);
      });
      // A mark in front: a digest may be the name of a member of every object.
      enter(chains, { prev: markOf(link.prev ?? ''), hash: markOf(link.hash), ms, agent });
      slots.touch(SPACE, source);
    },
  };
}

function chainsOf(slots: Slots, source: string, ms: number): Chains {
  const known = slots.get<Chains>(SPACE, source);
  if (known !== undefined) return known;
  const made: Chains = { firstMs: ms, ends: {}, waiting: [] };
  slots.put(SPACE, source, made);
  return made;
}

/** A chain begins with no link, or with one of zeros. */
const begins = (prev: string) => /^0*$/.test(nameOf(prev));

function enter(chains: Chains, record: Waiting): void {
  const { prev, hash, ms } = record;
  if (begins(prev)) addEnd(chains, hash, ms);
  else if (Object.hasOwn(chains.ends, prev)) {
    delete chains.ends[prev];
    addEnd(chains, hash, ms);
  } else {
    chains.waiting.push(record);
    if (chains.waiting.length > WAITING_MAX) chains.waiting.shift();
    return;
  }
  // Whoever waited for it follows now, and whoever waited for that one.
  for (let end = hash; ; ) {
    const at = chains.waiting.findIndex((one) => one.prev === end);
    const next = chains.waiting[at];
    if (next === undefined) return;
    chains.waiting.splice(at, 1);
    delete chains.ends[end];
    addEnd(chains, next.hash, next.ms);
    end = next.hash;
  }
}

function addEnd({ ends }: Chains, hash: string, ms: number): void {
  ends[hash] = ms;
  const names = Object.keys(ends);
  if (names.length <= ENDS_MAX) return;
  let oldest = names[0] as string;
  for (const name of names) if ((ends[name] as number) < (ends[oldest] as number)) oldest = name;
  delete ends[oldest];
}

/** Those whose predecessor did not come in time: each begins a chain of its own from here on. */
function judge(chains: Chains, nowMs: number, gap: (one: Waiting) => void): void {
  const due = chains.waiting.filter(({ ms }) => ms + TOLERANCE_MS < nowMs);
  if (due.length === 0) return;
  chains.waiting = chains.waiting.filter(({ ms }) => ms + TOLERANCE_MS >= nowMs);
  for (const one of due.sort((a, b) => a.ms - b.ms || (a.hash < b.hash ? -1 : 1))) {
    if (one.ms > chains.firstMs + GRACE_MS) gap(one);
    // Another that waited for it may have been judged before it: then it ended nothing.
    enter(chains, { ...one, prev: markOf('') });
  }
}
