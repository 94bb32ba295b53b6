/** first-seen: tools, classes, hosts and models that sessions like this do not show (4.2). */
import type { CallItem, UnitRecord } from '../../model/unit.ts';
import type { Dimension, Json } from '../dimension.ts';
import {
  compileNovelty,
  learnNovelty,
  type NoveltyState,
  noveltySymbols,
  type Sighting,
  sightAs,
} from '../novelty.ts';
import { named, rounded, symbolOf } from '../wording.ts';

/**
 * What is not known is told apart by what came of it: names of tools that do not exist are as common
 * in benign sessions as in attacks, and must not make a new tool that worked look usual.
 */
const RAN = '?ran';
const FAILED = '?failed';
const CLOSED = { class: ['?'], host: [RAN, FAILED], model: ['?'], tool: [RAN, FAILED] };

const VALUES_MAX = 64;
const TEXT_MAX = 4_096;
const HOSTS_MAX = 8;
const HOST = /\b[a-z][a-z0-9+.-]{1,15}:\/\/(?:[^\s/?#@]*@)?([a-z0-9.-]{1,100})/gi;

/** Running maximum of the surprisal of what is shown for the first time, non-existent tools included. */
export const firstSeen: Dimension = {
  name: 'first-seen',
  source: 'gateway',
  timing: 'running',
  takes: 'call',
  needs: 'L0',
  learn: (units) => learnNovelty(units, CLOSED, sightingsOfUnit) as unknown as Json,
  symbols: noveltySymbols,
  compile(levels) {
    const model = compileNovelty(levels, CLOSED);
    return {
      begin: (head) => freshState(modelName(head.model)) as unknown as Json,
      see(state, item) {
        const own = state as unknown as NoveltyState & { model: string | null };
        if (item.type !== 'call' || item.ours) return { state, score: null };
        if (own.model !== null) {
          sightAs(model, own, 'model', own.model, '?', labelOf);
          own.model = null;
        }
        const otherwise = otherwiseOf(item);
        sightAs(model, own, 'tool', symbolOf(item.tool), otherwise, labelOf);
        sightAs(model, own, 'class', symbolOf(item.toolClass ?? 'none'), '?', labelOf);
        if (item.args !== null && mayNameHosts(item.args))
          for (const host of hostsOf(item.args))
            sightAs(model, own, 'host', host, otherwise, labelOf);
        return { state, score: own.max };
      },
      close: () => null,
      say(state) {
        const { max, space, symbol, label } = state as unknown as NoveltyState;
        if (max === null) return 'no call was seen';
        return `${label}: sessions that showed it: ${model.support(space, symbol)}; ${rounded(max)} bits`;
      },
    };
  },
};

// Written out, not spread: objects of one literal have one shape, which code is optimised for.
function freshState(model: string | null): NoveltyState & { model: string | null } {
  return { max: null, space: '', symbol: '', label: '', model };
}

function modelName(model: string | null): string | null {
  return model === null ? null : symbolOf(model);
}

function* sightingsOfUnit(unit: UnitRecord): Generator<Sighting> {
  let called = false;
  for (const item of unit.items) {
    if (item.type !== 'call' || item.ours) continue;
    called = true;
    yield* sightingsOfCall(item);
  }
  const model = modelName(unit.head.model);
  if (called && model !== null) yield { space: 'model', name: model, otherwise: '?' };
}

function otherwiseOf({ decision, outcome }: CallItem): string {
  return decision !== 'deny' && outcome === 'ok' ? RAN : FAILED;
}

function sightingsOfCall(call: CallItem): Sighting[] {
  const otherwise = otherwiseOf(call);
  const list: Sighting[] = [
    { space: 'tool', name: symbolOf(call.tool), otherwise },
    { space: 'class', name: symbolOf(call.toolClass ?? 'none'), otherwise: '?' },
  ];
  if (call.args !== null)
    for (const host of hostsOf(call.args)) list.push({ space: 'host', name: host, otherwise });
  return list;
}

function labelOf(sighting: Sighting, symbol: string): string {
  const known = symbol === sighting.name;
  switch (sighting.space) {
    case 'tool':
      return known ? `tool ${named(symbol)}` : `a tool not known here, ${toolOf(sighting)}`;
    case 'class':
      return known ? `a ${named(symbol)} call` : 'a call of a class not known here';
    case 'host':
      // A host that is not known came out of an argument: it is not repeated.
      return known ? `host ${named(symbol)}` : 'a host not known here';
    default:
      return 'the model';
  }
}

function toolOf({ name, otherwise }: Sighting): string {
  const what = name === '' ? 'with an overlong name' : named(name);
  return `${what} (${otherwise === RAN ? 'it ran' : 'it failed'})`;
}

/** Nearly all arguments are short and flat and name no address: told without a list. */
function mayNameHosts(args: Readonly<Record<string, unknown>>): boolean {
  for (const key of Object.keys(args)) {
    const value = args[key];
    if (typeof value === 'string' ? value.includes('://') : typeof value === 'object') return true;
  }
  return false;
}

/** Hosts of addresses within arguments: bounded in strings, their length, and hosts. */
function hostsOf(args: Readonly<Record<string, unknown>>): readonly string[] {
  const hosts: string[] = [];
  const open: unknown[] = [args];
  for (let read = 0; read < VALUES_MAX && open.length > 0; read += 1) {
    const value = open.pop();
    if (typeof value === 'string') readHosts(value, hosts);
    else if (Array.isArray(value)) {
      for (let at = 0; at < value.length && open.length < VALUES_MAX; at += 1) open.push(value[at]);
    } else if (typeof value === 'object' && value !== null)
      for (const key of Object.keys(value)) {
        if (open.length >= VALUES_MAX) break;
        open.push((value as Record<string, unknown>)[key]);
      }
  }
  return hosts;
}

function readHosts(text: string, hosts: string[]): void {
  const start = text.indexOf('://');
  if (start < 0) return;
  const from = Math.max(0, start - 16);
  for (const match of text.slice(from, from + TEXT_MAX).matchAll(HOST)) {
    const host = (match[1] ?? '').toLowerCase();
    if (hosts.length < HOSTS_MAX && !hosts.includes(host)) hosts.push(host);
  }
}
