/** Hit texts: a kept hit as one line, without what its group or its witness says as well. */
import { KINDS, type Kind } from '../../../model/event.ts';
import type { Group } from './group.ts';
import { type KeptHit, keptEvent, OfEvent } from './hit.ts';

/** What a hit may have in common with its group. */
type Common = Pick<Group, 'tenant' | 'values' | 'agent'>;

const CUT = '|';
/** Values of a group that are pointed to: one digit names them. */
const VALUES_MAX = 10;

/**
 * The hit of the base at `place`: numbers and texts with a stroke between them, those that are seldom
 * there last, and what is empty at the end left out. A text is `-` for none, `a` for the agent of the
 * group, a digit for one of the group's values, else itself behind `=`. Null where a stroke is in a text.
 */
export function hitText(hit: KeptHit, place: number, group: Common): string | null {
  const { witness, entity, ms } = hit;
  const { at, seq } = witness;
  const tool = reference(witness.tool, group);
  const role = reference(entity.role, group);
  const call = reference(witness.call, group);
  const agent = reference(witness.agent, group);
  const session = reference(entity.session, group);
  const rest = isUsual(hit, group) ? '' : restOf(hit, group);
  if (rest === null || hasCut(tool) || hasCut(role)) return null;
  if (hasCut(call) || hasCut(agent) || hasCut(session)) return null;
  // Put together in short pieces: a long text that grows bit by bit is many texts on the way.
  const from = `${place}|${ms}|`;
  const where = `${at.partition}|${at.offset}|`;
  const what = `${seq ?? ''}|${KINDS.indexOf(witness.kind)}|`;
  const names = `${tool}|${role}|`;
  const who = `${call}|${agent}|`;
  return from + (where + what) + (names + (who + session)) + rest;
}

function hasCut(text: string): boolean {
  return text.length > 1 && text.includes(CUT);
}

/** Is there nothing of what is seldom there? */
function isUsual({ witness, entity, ms, late, tag, ofEvent }: KeptHit, group: Common): boolean {
  const { at, topic, kind, nativeId, seq, agent } = witness;
  if (late || tag !== null || ofEvent === undefined || at.index !== 0 || witness.ms !== ms)
    return false;
  if (topic !== kind || entity.tenant !== group.tenant || entity.agent !== agent) return false;
  return isNumbered(nativeId, entity.session, seq);
}

/** What is seldom there, each behind its stroke. */
function restOf(hit: KeptHit, group: Common): string | null {
  const { witness, entity, ms, late, tag } = hit;
  const { at, topic, kind, nativeId, seq } = witness;
  const parts = [
    at.index === 0 ? '' : String(at.index),
    late ? '1' : '',
    tag === null ? '' : `=${tag}`,
    topic === kind ? '' : `=${topic}`,
    isNumbered(nativeId, entity.session, seq) ? '' : `=${nativeId}`,
    witness.ms === ms ? '' : String(witness.ms),
    entity.tenant === group.tenant ? '' : `=${entity.tenant}`,
    entity.agent === witness.agent ? '' : `=${entity.agent}`,
    hit.ofEvent === undefined ? `=${hit.eventId}` : '',
  ];
  if (parts.some((part) => part.includes(CUT))) return null;
  return `|${parts.join(CUT)}`.replace(/\|+$/, '');
}

function reference(text: string | null, { agent, values }: Common): string {
  if (text === null) return '-';
  if (text === agent) return 'a';
  const at = values.indexOf(text);
  return at >= 0 && at < VALUES_MAX ? String(at) : `=${text}`;
}

/** The hit that a text was made of. */
export function hitOfText(text: string, bases: readonly string[], group: Common): KeptHit {
  const parts = text.split(CUT);
  const [place, time, partition, offset, seqText, kindAt, tool, role, call, owner, of] = parts;
  const [index, late, tag, named, id, witnessMs, tenant, other, eventId] = parts.slice(11);
  const ms = Number(time);
  const kind = KINDS[Number(kindAt)] as Kind;
  const seq = seqText === '' ? null : Number(seqText);
  const session = referred(of, group);
  const agent = referred(owner, group) ?? '';
  const topic = own(named) ?? kind;
  const nativeId = own(id) ?? numberedId(session, seq);
  const at = {
    topic,
    partition: Number(partition),
    offset: Number(offset),
    index: Number(index ?? 0),
  };
  const witness = {
    ...{ kind, topic, nativeId, at },
    ...{ ms: witnessMs === undefined || witnessMs === '' ? ms : Number(witnessMs), seq, agent },
    ...{
      call: referred(call, group),
      tool: referred(tool, group) ?? '',
      digest: null,
      leaves: null,
    },
  };
  const entity = {
    tenant: own(tenant) ?? group.tenant,
    agent: own(other) ?? agent,
    role: referred(role, group),
    session,
  };
  const rule = bases[Number(place)] as string;
  const hit = { rule, ms, late: late === '1', witness, entity, tag: own(tag), from: [], number: 0 };
  const given = own(eventId);
  return given === null ? keptEvent(hit, new OfEvent(topic, nativeId)) : { ...hit, eventId: given };
}

function referred(text: string | undefined, { agent, values }: Common): string | null {
  if (text === undefined || text === '-') return null;
  if (text === 'a') return agent;
  return text.startsWith('=') ? text.slice(1) : (values[Number(text)] ?? null);
}

/** What stands behind `=`; null where nothing was written. */
function own(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text.slice(1);
}

/** The same as being `numberedId`, without making it. */
function isNumbered(id: string, session: string | null, seq: number | null): boolean {
  const name = String(session);
  const number = String(seq);
  const end = HEAD.length + name.length;
  if (id.length !== end + 1 + number.length || id.charAt(end) !== '/') return false;
  return id.startsWith(HEAD) && id.startsWith(name, HEAD.length) && id.endsWith(number);
}

const HEAD = 'session/';

/** Identity of an event that its place in the session identifies (src/source). */
export function numberedId(session: string | null, seq: number | null): string {
  return `session/${session}/${seq}`;
}
