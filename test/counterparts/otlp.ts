/** A small OTLP/HTTP collector of logs, JSON encoding: takes what the protocol's definition allows. */
import { type Answer, type HttpCounterpart, type Received, startCounterpart } from './server.ts';

/** A log record, its attributes by name. */
export interface LogRecord {
  readonly event: string;
  readonly severity: number;
  readonly body: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A running collector. */
export interface OtlpCounterpart extends HttpCounterpart {
  readonly records: LogRecord[];
  readonly refused: string[];
  /** Rejects every record, with status 200, as a collector may. */
  reject: boolean;
}

type Json = Record<string, unknown>;

/** Starts one. */
export async function startOtlp(token: string | null): Promise<OtlpCounterpart> {
  const records: LogRecord[] = [];
  const refused: string[] = [];
  const state = { reject: false };
  const take = ({ headers, body }: Received): Answer => {
    if (token !== null && headers['authorization'] !== `Bearer ${token}`) return { status: 401 };
    if (headers['content-type'] !== 'application/json') return { status: 415 };
    let read: LogRecord[];
    try {
      read = recordsOf(JSON.parse(body) as Json);
    } catch (cause) {
      refused.push(cause instanceof Error ? cause.message : 'unnamed');
      return { status: 400, body: { code: 3, message: 'cannot be decoded' } };
    }
    if (state.reject)
      return {
        status: 200,
        body: { partialSuccess: { rejectedLogRecords: '1', errorMessage: 'quota' } },
      };
    records.push(...read);
    return { status: 200, body: {} };
  };
  const server = await startCounterpart((received) =>
    received.method === 'POST' && received.path === '/v1/logs' ? take(received) : { status: 404 },
  );
  return Object.defineProperty(
    Object.assign(server, { records, refused, reject: false }),
    'reject',
    {
      get: () => state.reject,
      set: (reject: boolean) => {
        state.reject = reject;
      },
    },
  );
}

const only = (value: Json, names: readonly string[]): void => {
  for (const name of Object.keys(value))
    if (!names.includes(name)) throw new Error(`unknown field ${name}`);
};
const list = (value: unknown): Json[] => {
  if (!Array.isArray(value)) throw new Error('not a list');
  return value as Json[];
};

function recordsOf(request: Json): LogRecord[] {
  only(request, ['resourceLogs']);
  return list(request['resourceLogs']).flatMap((resource) => {
    only(resource, ['resource', 'scopeLogs', 'schemaUrl']);
    attributesOf((resource['resource'] as Json)['attributes']);
    return list(resource['scopeLogs']).flatMap((scope) => {
      only(scope, ['scope', 'logRecords', 'schemaUrl']);
      return list(scope['logRecords']).map(recordOf);
    });
  });
}

const FIELDS = [
  ...['timeUnixNano', 'observedTimeUnixNano', 'severityNumber', 'severityText', 'eventName'],
  ...['body', 'attributes', 'droppedAttributesCount', 'flags', 'traceId', 'spanId'],
];

function recordOf(record: Json): LogRecord {
  only(record, FIELDS);
  for (const name of ['timeUnixNano', 'observedTimeUnixNano'])
    if (!/^(0|[1-9][0-9]{0,19})$/.test(String(record[name]))) throw new Error(`${name} is no time`);
  const severity = record['severityNumber'];
  if (typeof severity !== 'number' || severity < 1 || severity > 24) throw new Error('severity');
  for (const [name, length] of [
    ['traceId', 32],
    ['spanId', 16],
  ] as const)
    if (
      record[name] !== undefined &&
      !new RegExp(`^[0-9a-f]{${length}}$`).test(String(record[name]))
    )
      throw new Error(name);
  return {
    event: String(record['eventName']),
    severity,
    body: String(readValue(record['body'] as Json)),
    attributes: attributesOf(record['attributes']),
  };
}

function attributesOf(given: unknown): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const one of list(given)) {
    only(one, ['key', 'value']);
    const { key, value } = one;
    if (typeof key !== 'string' || key === '' || Object.hasOwn(read, key))
      throw new Error(`attribute ${String(key)}`);
    read[key] = readValue(value as Json);
  }
  return read;
}

function readValue(value: Json): unknown {
  const [name, ...more] = Object.keys(value);
  if (name === undefined || more.length > 0) throw new Error('a value has exactly one type');
  const inner = value[name];
  switch (name) {
    case 'stringValue':
      if (typeof inner !== 'string') throw new Error('stringValue');
      return inner;
    case 'intValue':
      if (!/^-?[0-9]{1,19}$/.test(String(inner))) throw new Error('intValue');
      return Number(inner);
    case 'arrayValue':
      return list((inner as Json)['values']).map(readValue);
    default:
      throw new Error(`no value has the type ${name}`);
  }
}
