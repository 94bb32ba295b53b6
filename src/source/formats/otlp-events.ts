/** What a span or log record says, as parts of an event: by operation and by speaker. */
import { canonicalJson } from '../../model/canonical-json.ts';
import type { Trust } from '../../model/event.ts';
import type { StatedCall } from '../../model/event-reasoning.ts';
import { sha256Of } from '../../state/hash53.ts';
import { cutText, decodeJson, noFacts, type Rejection, STRING_UNITS_MAX } from '../json.ts';
import { type Operation, operationOf, type Said } from './dialect.ts';
import { MCP_METHODS, MEMORY_OPERATIONS } from './dialects.ts';
import { argsIn, type Conversation, conversationOf, nameIn, unflatten } from './genai-messages.ts';
import { type SchemaName, violationsOf } from './genai-schema.ts';
import { plain, type Value } from './otlp.ts';

/** Who speaks, and what of the item is in no attribute. */
export interface Around {
  readonly trust: Trust;
  /** Name of the process and its instance, as its resource has them. */
  readonly service: string | undefined;
  readonly instance: string | undefined;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Is it the caller's side of a call to another process? */
  readonly isClient: boolean;
  /** Did the item say that what it is about failed? Null: it cannot say. */
  readonly failed: boolean | null;
  readonly durationMs: number | undefined;
  /** Something was cut, replaced, or left out by whoever sent it. */
  readonly isTruncated: boolean;
}

/** Fields of an event, not yet checked, and what was noticed while they were read. */
export interface Made {
  readonly fields: Readonly<Record<string, unknown>>;
  /** True where what is stated was stated at the end of the item, not at its start. */
  readonly atEnd: boolean;
  readonly duplicateKeys: number;
  /** Structured values that are not as the conventions prescribe; read as far as they go. */
  readonly nonconforming: number;
}

type Fields = Record<string, unknown>;

const isRejected = (value: object): value is Rejection => 'reason' in value && 'detail' in value;
type Parse = (text: string) => unknown;
interface Flaws {
  nonconforming: number;
}

/** Is the source one that agents cannot write? Only such a one witnesses what was attempted. */
const isIndependent = (trust: Trust) => trust !== 'agent' && trust !== 'runtime';

/** What an item becomes; null where it is about nothing that is an act, a rejection where it cannot be read. */
export function fieldsOf(
  said: Said,
  around: Around,
  operation: Operation = operationOf(said),
): Made | Rejection | null {
  const facts = noFacts();
  const flaws: Flaws = { nonconforming: 0 };
  const parse: Parse = (text) => {
    const first = text.trimStart().charCodeAt(0);
    if (first !== 0x7b && first !== 0x5b) return undefined;
    const read = decodeJson(Buffer.from(text, 'utf8'), facts);
    return read.ok ? read.value : undefined;
  };
  const body = bodyOf(said, around, operation, parse, flaws);
  if (body === null || isRejected(body)) return body;
  const fields = envelope(said, around, operation);
  const isTruncated = around.isTruncated || facts.truncated;
  if (isTruncated) fields['evidence'] = { level: 'L0', truncated: true };
  return {
    fields: Object.assign(fields, body),
    atEnd: operation === 'model',
    duplicateKeys: said.duplicates + facts.duplicateKeys,
    nonconforming: flaws.nonconforming,
  };
}

function bodyOf(
  said: Said,
  around: Around,
  operation: Operation,
  parse: Parse,
  flaws: Flaws,
): Fields | Rejection | null {
  switch (operation) {
    case 'tool':
      return isIndependent(around.trust)
        ? attempt(said, around, parse)
        : claim(said, around, parse);
    case 'model':
      return reasoning('model_call', said, modelCall(said, parse, flaws));
    case 'agent':
    case 'remote-agent':
      return reasoning('delegation', said, around.isClient ? delegated(said) : {});
    case 'plan':
      return reasoning('plan', said, {});
    case 'memory': {
      const op = MEMORY_OPERATIONS[textOf(said.get('op')) ?? ''];
      return op === undefined ? null : reasoning('memory', said, { memory: { op } });
    }
    case 'guardrail':
    case 'evaluation':
      return check(said, operation);
    case 'internal':
      return null;
    default:
      return null;
  }
}

function envelope(said: Said, around: Around, operation: Operation): Fields {
  const fields: Fields = {};
  const agent = agentOf(said, around, operation);
  if (agent !== undefined) fields['agent'] = agent;
  const session = textOf(said.get('session'));
  if (session !== undefined) fields['session'] = { id: session };
  const user = textOf(said.get('user'));
  if (user !== undefined) fields['principal'] = { sub: user };
  const keys: Fields = {};
  const isCall = operation === 'tool';
  setText(keys, 'traceId', around.traceId);
  setText(keys, 'spanId', around.spanId);
  setText(keys, 'parentSpanId', around.parentSpanId);
  setText(keys, 'toolCallId', isCall ? textOf(said.get('toolCallId')) : undefined);
  setText(keys, 'rpcId', isCall ? textOf(said.get('rpcId')) : undefined);
  setText(keys, 'requestId', textOf(said.get('requestId')));
  if (Object.keys(keys).length > 0) fields['keys'] = keys;
  return fields;
}

/** Whom the item is about; a process's own name only where the process is the agent's, and at the last. */
function agentOf(said: Said, around: Around, operation: Operation): Fields | undefined {
  const independent = isIndependent(around.trust);
  // Of a call to another agent the name is the other's.
  const isOther = operation === 'agent' && around.isClient;
  const named = isOther
    ? undefined
    : (textOf(said.get('agentId')) ?? textOf(said.get('agentName')));
  if (independent) {
    const claims: Fields[] = [];
    const workload = textOf(said.get('workload'));
    if (workload !== undefined) claims.push({ basis: 'spiffe', value: workload });
    const subject = textOf(said.get('subject'));
    if (subject !== undefined) claims.push({ basis: 'jwt', value: subject });
    if (named !== undefined) claims.push({ basis: 'self', value: named });
    const [first] = claims;
    if (first === undefined) return undefined;
    const agent = { id: first['value'], basis: first['basis'] };
    return claims.length === 1 ? agent : { ...agent, claims };
  }
  const { instance, service } = around;
  const more = instance === undefined ? {} : { instance };
  if (named !== undefined) return { id: named, basis: 'self', ...more };
  return service === undefined ? undefined : { id: service, basis: 'service', ...more };
}

function reasoning(category: string, said: Said, more: Fields): Fields {
  const body: Fields = { intents: [], claims: [] };
  setText(body, 'op', textOf(said.get('op')));
  setText(body, 'provider', textOf(said.get('provider')));
  setText(body, 'model', textOf(said.get('model')));
  return { kind: 'reasoning', category, reasoning: Object.assign(body, more) };
}

const TOKENS = {
  in: 'tokensIn',
  out: 'tokensOut',
  cacheRead: 'cacheRead',
  cacheWrite: 'cacheWrite',
  reasoning: 'reasoningTokens',
} as const;

function modelCall(said: Said, parse: Parse, flaws: Flaws): Fields {
  const body: Fields = { ...conversation(said, parse, flaws) };
  const tokens: Fields = {};
  for (const [name, field] of Object.entries(TOKENS)) {
    const count = numberOf(said.get(field));
    if (count !== undefined && count >= 0) tokens[name] = count;
  }
  if (Object.keys(tokens).length > 0) body['tokens'] = tokens;
  const finish = said.get('finish');
  const reasons = (Array.isArray(finish) ? finish : [finish]).flatMap((one) => textOf(one) ?? []);
  if (reasons.length > 0) body['finish'] = reasons;
  if ((body['finish'] as unknown[]).length === 0) delete body['finish'];
  const offered = offeredOf(said.get('offered'), parse);
  if (offered !== null) Object.assign(body, offered);
  return body;
}

function conversation(said: Said, parse: Parse, flaws: Flaws): Conversation {
  const structured = (value: Value | undefined) =>
    typeof value === 'string' ? parse(value) : value === undefined ? undefined : plain(value);
  let input = structured(said.get('inputMessages'));
  let output = structured(said.get('outputMessages'));
  note(flaws, 'input-messages', input);
  note(flaws, 'output-messages', output);
  if (said.flat.length > 0)
    for (const { flattened } of said.dialects) {
      if (input === undefined && flattened?.input !== undefined)
        input = unflatten(said.flat, flattened.input);
      if (output === undefined && flattened?.output !== undefined)
        output = unflatten(said.flat, flattened.output);
    }
  const read = conversationOf(input, output, parse);
  if (read.text !== undefined) read.text = bounded(read.text);
  if (read.mandate !== undefined) read.mandate = bounded(read.mandate);
  return read;
}

function note(flaws: Flaws, name: SchemaName, value: unknown): void {
  if (value !== undefined && violationsOf(name, value, 'open').length > 0) flaws.nonconforming += 1;
}

const OFFERED_MAX = 1000;

/** Tools offered to the model, each with the digest of what it was said to be; null where none is told. */
function offeredOf(value: Value | undefined, parse: Parse): Fields | null {
  const read = typeof value === 'string' ? parse(value) : value === undefined ? null : plain(value);
  if (!Array.isArray(read)) return null;
  const offered = read.slice(0, OFFERED_MAX).flatMap((one: unknown) => {
    const from = typeof one === 'object' && one !== null ? (one as Fields) : {};
    const tool = nameIn(Object.hasOwn(from, 'name') ? from['name'] : undefined);
    const { description, parameters } = from;
    if (tool === undefined) return [];
    const digest = sha256Of(Buffer.from(canonicalJson({ name: tool, description, parameters })));
    return [{ tool, digest }];
  });
  if (offered.length === 0) return null;
  const sorted = offered.map(({ digest }) => digest).sort();
  return { offered, offeredToolsDigest: sha256Of(Buffer.from(sorted.join('\n'))) };
}

function delegated(said: Said): Fields {
  const agent = textOf(said.get('agentId')) ?? textOf(said.get('agentName'));
  return agent === undefined ? {} : { delegation: { agent } };
}

function check(said: Said, operation: 'guardrail' | 'evaluation'): Fields | Rejection {
  const name = textOf(said.get('checkName')) ?? textOf(said.get('tool'));
  if (name === undefined)
    return { reason: 'field-missing', detail: `the ${operation} has no name` };
  const score = numberOf(said.get('checkScore'));
  const more: Fields = { name, ...(score === undefined ? {} : { score }) };
  if (operation === 'evaluation') {
    setText(more, 'label', textOf(said.get('checkLabel')));
    return reasoning('guardrail', said, { evaluation: more });
  }
  const verdict = textOf(said.get('checkVerdict'));
  const known = ['allow', 'deny', 'modify', 'warn', 'escalate'].includes(verdict ?? '');
  more['verdict'] = known ? verdict : 'unknown';
  return reasoning('guardrail', said, { guardrail: more });
}

/** The tool that a call is of: its name, or the method where no tool is called by it. */
function toolOf(said: Said): { tool: string; category: string } | Rejection | null {
  const method = textOf(said.get('method'));
  const category = method === undefined ? 'tool_call' : MCP_METHODS[method];
  if (category === undefined) return null;
  const tool = textOf(said.get('tool')) ?? (method === 'tools/call' ? undefined : method);
  if (tool === undefined) return { reason: 'field-missing', detail: 'no attribute names the tool' };
  return { tool, category };
}

/** A call as its own agent tells it: a claim, whatever the item says of itself. */
function claim(said: Said, around: Around, parse: Parse): Fields | Rejection | null {
  const of = toolOf(said);
  if (of === null || isRejected(of)) return of;
  if (of.category !== 'tool_call') return null;
  const call: { -readonly [K in keyof StatedCall]: StatedCall[K] } = { tool: of.tool };
  const toolCallId = textOf(said.get('toolCallId'));
  if (toolCallId !== undefined) call.toolCallId = toolCallId;
  if (textOf(said.get('toolType')) === 'datastore') call.toolType = 'datastore';
  const args = argumentsOf(said, parse);
  if (args !== undefined) call.args = args;
  call.outcome = outcomeOf(said, around);
  return reasoning('intent', said, { claims: [call] });
}

/** A call as somebody saw it who is not the agent. */
function attempt(said: Said, around: Around, parse: Parse): Fields | Rejection | null {
  const of = toolOf(said);
  if (of === null || isRejected(of)) return of;
  const answer = verdictOf(said);
  const outcome = answer === 'error' || answer === 'deny' ? 'error' : outcomeOf(said, around);
  const decision = answer === undefined || answer === 'error' ? 'unknown' : answer;
  const action: Fields = {
    phase: outcome === 'unknown' ? (decision === 'unknown' ? 'attempt' : 'decision') : 'result',
    tool: of.tool,
    decision,
    outcome,
  };
  setText(action, 'toolType', textOf(said.get('toolType')));
  setText(action, 'server', textOf(said.get('server')));
  setText(action, 'method', textOf(said.get('method')));
  setText(action, 'reason', textOf(said.get('reason')));
  setText(action, 'errorType', textOf(said.get('errorType')));
  const uri = textOf(said.get('resourceUri'));
  if (uri !== undefined) action['resource'] = { uri };
  const policy = textOf(said.get('policy'));
  if (policy !== undefined) action['policy'] = { id: policy };
  const args = argumentsOf(said, parse);
  if (args !== undefined) action['args'] = args;
  const result = said.get('result');
  if (result !== undefined)
    action['result'] = typeof result === 'string' ? (parse(result) ?? result) : plain(result);
  const status = numberOf(said.get('status'));
  if (status !== undefined) action['status'] = status;
  if (around.durationMs !== undefined) action['durationMs'] = around.durationMs;
  return { kind: 'gateway', category: of.category, action };
}

function verdictOf(said: Said): string | undefined {
  const word = textOf(said.get('verdict'));
  if (word === undefined) return undefined;
  for (const { verdicts } of said.dialects)
    if (verdicts !== undefined && Object.hasOwn(verdicts, word)) return verdicts[word];
  return undefined;
}

function outcomeOf(said: Said, around: Around): 'ok' | 'error' | 'unknown' {
  if (said.get('errorType') !== undefined) return 'error';
  return around.failed === null ? 'unknown' : around.failed ? 'error' : 'ok';
}

function argumentsOf(said: Said, parse: Parse): Record<string, unknown> | undefined {
  const value = said.get('args');
  if (value === undefined) return undefined;
  return argsIn(typeof value === 'string' ? value : plain(value), parse);
}

/** Text, or a number as text: ids arrive as either. Empty text says nothing. */
function textOf(value: Value | undefined): string | undefined {
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberOf(value: Value | undefined): number | undefined {
  const number =
    typeof value === 'bigint' || (typeof value === 'string' && /^\d{1,15}$/.test(value))
      ? Number(value)
      : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function setText(into: Fields, name: string, value: string | undefined): void {
  if (value !== undefined && value !== '') into[name] = value;
}

function bounded(text: string): string {
  return text.length > STRING_UNITS_MAX ? cutText(text) : text;
}
