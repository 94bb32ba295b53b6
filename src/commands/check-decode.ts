/** `check decode`: what becomes of a sample, field by field, and what it lacks. */
import { systemClock } from '../adapters/clock.ts';
import type { SourceConfig } from '../model/config/source.ts';
import { KINDS, TRUSTS } from '../model/event.ts';
import type { Account } from '../source/account.ts';
import type { ByteFormat, Format } from '../source/draft.ts';
import { decodeJson, noFacts, RECORD_BYTES_MAX } from '../source/json.ts';
import { createDecode, FORMATS } from '../source/source.ts';
import { type Given, usage } from './arguments.ts';
import { choiceOf } from './backtest-options.ts';
import type { Command } from './command.ts';
import { disabledBy, unsureBy } from './decode-disabled.ts';
import { linesOf, toldOf } from './decode-text.ts';
import type { RecordTold, SampleTold } from './decode-told.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import type { Library } from './library.ts';
import { readSample, readsWhole } from './sample.ts';

/** Records that are told of field by field unless the call says otherwise. */
const SHOWN = 3;
const TOPIC = 'sample';

/** Decodes a sample and tells of it. 1 where any record, or part of one, went to the dead letters. */
export const checkDecode: Command['run'] = async (given, { output }) => {
  const config = await configOrNull(given);
  const library = await libraryOf(given, config);
  const file = given.value('sample');
  if (file === undefined) throw usage('check decode needs --sample FILE');
  const source = sourceOf(given, config?.sources ?? []);
  const { decode, problems } = createDecode([source], library.mappings, {
    ...(config?.identities === undefined ? {} : { identities: config.identities }),
  });
  if (problems.length > 0) throw usage(problems.map(({ message }) => message).join('; '));
  const nowMs = systemClock.nowMs();
  const sample = await readSample(file, readsWhole(decode, source.topic, nowMs));
  const shown = given.count('limit', 0) ?? SHOWN;
  const format = formatOf(source, library);
  const records = sample.records.map((value, at): RecordTold => {
    const place = { topic: source.topic, partition: 0, offset: at };
    const decoded = decode({ ...place, timestampMs: nowMs, key: null, value });
    const { events, deadLetters } = decoded;
    return {
      ...{ record: at + 1, bytes: value.length, events, deadLetters },
      ignored: decoded.flags.ignored,
      accounts: at < shown ? accountsOf(format, value, source) : [],
    };
  });
  const events = records.flatMap((one) => one.events);
  const kinds = new Set(events.map(({ kind }) => kind));
  const told: SampleTold = {
    ...{ decoder: source.decoder, form: sample.form, more: sample.more, shown, records },
    disabled: disabledBy(events, library.detectors),
    unsure: unsureBy(events, library.detectors),
    concerned: library.detectors.filter(({ needs }) => needs.sources.some((one) => kinds.has(one)))
      .length,
  };
  for (const line of linesOf(told)) output.line(line);
  output.json(toldOf(told));
  return records.some(({ deadLetters }) => deadLetters.length > 0) ? 1 : 0;
};

/** The source whose records the sample has: one of the configuration, or one of that format. */
function sourceOf(given: Given, sources: readonly SourceConfig[]): SourceConfig {
  const name = given.value('source');
  const decoder = given.value('format');
  if ((name === undefined) === (decoder === undefined))
    throw usage('check decode takes --format NAME/VERSION, or --source NAME of the configuration');
  if (name !== undefined) {
    const source = sources.find((one) => one.name === name);
    if (source !== undefined) return source;
    const known = sources.map((one) => one.name).join(', ') || 'none; give --config';
    throw usage(`no source ${JSON.stringify(name)}; there are: ${known}`);
  }
  const trust = choiceOf(given, 'trust', TRUSTS, 'gateway');
  return {
    ...{ name: TOPIC, topic: TOPIC, decoder: decoder as string, trust },
    kinds: [...KINDS],
  };
}

function formatOf(source: SourceConfig, library: Library): Format | ByteFormat | null {
  const known = [...FORMATS, ...library.mappings.values()];
  const format = known.find(({ name }) => name === source.decoder) ?? null;
  const { settings = {}, opa } = source;
  const cases = Object.entries(opa?.paths ?? {}).map(([is, own]) => ({
    ...{ pointer: '/path', is, settings: own },
  }));
  return format?.tailored?.({ settings, cases }).format ?? format;
}

function accountsOf(
  format: Format | ByteFormat | null,
  bytes: Buffer,
  { trust, kinds }: SourceConfig,
): readonly Account[] {
  if (format === null) return [];
  if ('decodeBytes' in format) {
    const told = format.accountBytes?.(bytes, { trust, kinds, maxBytes: RECORD_BYTES_MAX }) ?? [];
    return 'reason' in told ? [] : told;
  }
  const read = decodeJson(bytes, noFacts());
  return read.ok ? (format.account?.(read.value) ?? []) : [];
}
