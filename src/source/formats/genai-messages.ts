/** Messages of a model call: what was asked, what it stated, which results came back. */
import type { StatedCall } from '../../model/event-reasoning.ts';
import type { Flattened } from './dialect.ts';
import { type Attribute, plain } from './otlp.ts';

/** What messages say. */
export interface Conversation {
  readonly intents: StatedCall[];
  readonly claims: StatedCall[];
  mandate?: string;
  text?: string;
  readonly finish: string[];
}

/** Numbers of messages and of calls within one that are read in flattened form. */
const NUMBER_MAX = 255;
const NAME_MAX = 512;

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function own(from: Json, ...names: readonly string[]): unknown {
  for (const name of names) if (Object.hasOwn(from, name) && from[name] !== null) return from[name];
  return undefined;
}

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A name that an event may bear; undefined for anything else. */
export function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= NAME_MAX ? value : undefined;
}

/** Arguments as an object, from one or from its JSON. */
export function argsIn(
  value: unknown,
  parse: (text: string) => unknown,
): Record<string, unknown> | undefined {
  const read = typeof value === 'string' ? parse(value) : value;
  return isObject(read) ? (read as Record<string, unknown>) : undefined;
}

/**
 * Reads the messages that went in and came out, of either generation of the conventions. Total: what is not
 * as it should be is passed over. What the model stated is in the messages that came out; results are
 * those that came back since it last spoke, for the rest was told with the call before.
 */
export function conversationOf(
  input: unknown,
  output: unknown,
  parse: (text: string) => unknown,
): Conversation {
  const made: Conversation = { intents: [], claims: [], finish: [] };
  const asked = listIn(input).filter(isObject);
  const mandate = asked.find((message) => own(message, 'role') === 'user');
  if (mandate !== undefined) {
    const said = textsOf(mandate);
    if (said !== '') made.mandate = said;
  }
  const spokenAt = asked.findLastIndex((message) => own(message, 'role') === 'assistant');
  const stated = new Map<string, StatedCall>();
  for (const message of asked.slice(0, spokenAt + 1))
    for (const call of callsOf(message, parse))
      if (call.toolCallId !== undefined) stated.set(call.toolCallId, call);
  for (const message of asked.slice(spokenAt + 1))
    for (const id of answersOf(message)) {
      const call = stated.get(id);
      if (call !== undefined) made.claims.push({ ...call, outcome: 'unknown' });
    }
  const texts: string[] = [];
  for (const message of listIn(output).filter(isObject)) {
    made.intents.push(...callsOf(message, parse));
    const said = textsOf(message);
    if (said !== '') texts.push(said);
    const finish = nameIn(own(message, 'finish_reason'));
    if (finish !== undefined && finish.length <= 256) made.finish.push(finish);
  }
  if (texts.length > 0) made.text = texts.join('\n');
  return made;
}

/** Text and reasoning of a message, as parts or, before 1.37, as its content. */
function textsOf(message: Json): string {
  const content = own(message, 'content');
  if (typeof content === 'string') return content;
  const texts: string[] = [];
  for (const part of [...listIn(own(message, 'parts')), ...listIn(content)]) {
    if (!isObject(part)) continue;
    const type = own(part, 'type');
    const said = own(part, 'content', 'text');
    if ((type === 'text' || type === 'reasoning') && typeof said === 'string') texts.push(said);
  }
  return texts.join('\n');
}

function callsOf(message: Json, parse: (text: string) => unknown): StatedCall[] {
  const made: StatedCall[] = [];
  for (const part of listIn(own(message, 'parts'))) {
    if (!isObject(part)) continue;
    const type = own(part, 'type');
    if (type === 'tool_call')
      push(made, own(part, 'id'), own(part, 'name'), own(part, 'arguments'), parse);
    else if (type === 'server_tool_call') {
      // Run by the provider of the model: it passes no gateway of ours.
      const inner = own(part, 'server_tool_call');
      push(made, own(part, 'id'), own(part, 'name'), inner, parse, 'provider');
    }
  }
  for (const call of listIn(own(message, 'tool_calls'))) {
    if (!isObject(call)) continue;
    const named = own(call, 'function');
    const from = isObject(named) ? named : call;
    push(made, own(call, 'id'), own(from, 'name'), own(from, 'arguments'), parse);
  }
  return made;
}

function push(
  into: StatedCall[],
  id: unknown,
  name: unknown,
  given: unknown,
  parse: (text: string) => unknown,
  toolType?: 'provider',
): void {
  const tool = nameIn(name);
  if (tool === undefined) return;
  const toolCallId = nameIn(id);
  const args = argsIn(given, parse);
  into.push({
    ...(toolCallId === undefined ? {} : { toolCallId }),
    tool,
    ...(toolType === undefined ? {} : { toolType }),
    ...(args === undefined ? {} : { args }),
  });
}

function answersOf(message: Json): string[] {
  const ids: unknown[] = [own(message, 'tool_call_id')];
  for (const part of listIn(own(message, 'parts')))
    if (isObject(part) && own(part, 'type') === 'tool_call_response') ids.push(own(part, 'id'));
  return ids.flatMap((id) => nameIn(id) ?? []);
}

/**
 * Puts flattened messages together, in the order of their numbers, in the shape that conversationOf reads.
 * Numbers beyond 255 are passed over: attackers choose them.
 */
export function unflatten(flat: readonly Attribute[], of: Flattened): unknown[] {
  const messages = new Map<number, Message>();
  for (const { key, value } of flat) {
    if (!key.startsWith(of.prefix)) continue;
    const at = numberAt(key, of.prefix.length);
    if (at === null) continue;
    const rest = key.slice(at.end);
    if (!rest.startsWith(of.inner)) continue;
    const message = memberOf<Message>(messages, at.number, () => ({
      calls: new Map(),
      parts: new Map(),
    }));
    enter(message, rest.slice(of.inner.length), plain(value), of);
  }
  return sorted(messages).map(({ calls, parts, ...rest }) => {
    const texts = sorted(parts).map((content) => ({ type: 'text', content }));
    return {
      ...rest,
      ...(texts.length === 0 ? {} : { parts: texts }),
      tool_calls: sorted(calls),
    };
  });
}

interface Message {
  role?: unknown;
  content?: unknown;
  finish_reason?: unknown;
  tool_call_id?: unknown;
  readonly calls: Map<number, Call>;
  readonly parts: Map<number, unknown>;
}

interface Call {
  id?: unknown;
  name?: unknown;
  arguments?: unknown;
}

function enter(message: Message, member: string, value: unknown, of: Flattened): void {
  if (member === of.role) message.role = value;
  else if (member === of.content) message.content = value;
  else if (member === of.finish) message.finish_reason = value;
  else if (member === of.answers) message.tool_call_id = value;
  else if (member.startsWith(of.calls)) {
    const at = numberAt(member, of.calls.length);
    if (at === null) return;
    const call = memberOf<Call>(message.calls, at.number, () => ({}));
    const name = member.slice(at.end);
    if (name === of.call.id) call.id = value;
    else if (name === of.call.name) call.name = value;
    else if (name === of.call.args) call.arguments = value;
  } else if (member.startsWith('contents.') && member.endsWith('.message_content.text')) {
    const at = numberAt(member, 'contents.'.length);
    if (at !== null) message.parts.set(at.number, value);
  }
}

function numberAt(key: string, from: number): { number: number; end: number } | null {
  const dot = key.indexOf('.', from);
  if (dot < 0 || dot - from > 3 || dot === from) return null;
  const digits = key.slice(from, dot);
  const number = /^(0|[1-9]\d*)$/.test(digits) ? Number(digits) : NUMBER_MAX + 1;
  return number > NUMBER_MAX ? null : { number, end: dot + 1 };
}

function memberOf<T>(of: Map<number, T>, number: number, make: () => T): T {
  const known = of.get(number);
  if (known !== undefined) return known;
  const made = make();
  of.set(number, made);
  return made;
}

function sorted<T>(of: ReadonlyMap<number, T>): T[] {
  return [...of].sort(([a], [b]) => a - b).map(([, value]) => value);
}
