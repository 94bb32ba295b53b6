/** Lane: turns configuration and library into the options of the core. */
import { NO_OBJECTIVES } from '../baseline/objectives-file.ts';
import type { BookOptions } from '../correlate/books.ts';
import type { SourceTiming } from '../correlate/watermark.ts';
import { type ControlPlan, NO_CONTROL } from '../decide/chain.ts';
import type { SourceConfig } from '../model/config/source.ts';
import type { Config } from '../model/config.ts';
import type { Mode } from '../model/decision.ts';
import { durationMs } from '../model/duration.ts';
import type { Problem } from '../model/errors.ts';
import { KINDS, type Kind } from '../model/event.ts';
import { type Earned, earnedTier, type Measurement, TIERS } from '../model/power.ts';
import type { BaselineOptions, PipelineOptions } from '../pipeline/options.ts';
import { ROW_PACKER } from '../record/state-bytes.ts';
import { createDecode } from '../source/source.ts';
import { NO_BASELINE } from './baseline-force.ts';
import type { Library } from './library.ts';

/** Books whose absence is evidence; governance and metrics are looked up, unless a rhythm is declared. */
const JUDGED: readonly Kind[] = ['reasoning', 'gateway'];

/** What of the library a lane needs; without measurements and exceptions there are none. */
export type LaneLibrary = Pick<Library, 'detectors' | 'mappings' | 'inventory'> &
  Partial<Pick<Library, 'measured' | 'exceptions' | 'levels'>>;

/** Options of the core, and what is wrong with the sources. */
export function laneOptions(
  config: Config,
  library: LaneLibrary,
  extra: {
    readonly file: string;
    readonly digestKey: string;
    /** Drivers by rung, and who must agree; absent: nothing can be done. */
    readonly control?: ControlPlan;
    /** Replay: judge what would be done, were every role in this mode. */
    readonly mode?: Mode;
    /** What behaviour is judged by. Default: nothing. */
    readonly baseline?: BaselineOptions;
    /** What live units showed of the versions that run. Default: nothing. */
    readonly live?: LiveMeasurements;
  },
): { options: PipelineOptions; problems: Problem[] } {
  const { decode, problems } = createDecode(config.sources, library.mappings, {
    file: extra.file,
    ...(config.identities === undefined ? {} : { identities: config.identities }),
  });
  const ms = (text: string | undefined, fallback: string) => durationMs(text ?? fallback);
  const { correlate = {}, guardrails = {} } = config;
  const joinWindowMs = ms(correlate.joinWindow, '30s');
  const modeOf = (role: string | null): Mode => extra.mode ?? modeIn(config, role);
  const options: PipelineOptions = {
    decode,
    timings: config.sources.map(timingOf),
    governanceTopics: new Set(
      config.sources.filter(({ kinds }) => kinds.includes('governance')).map(({ topic }) => topic),
    ),
    topicKinds: new Map(config.sources.map(({ topic, kinds }) => [topic, kinds])),
    correlate: {
      joinWindowMs,
      clockToleranceMs: 2000,
      closeGraceMs: ms(correlate.closeGrace, '10s'),
      refusalWindowMs: 600_000,
      rememberMs: 86_400_000,
      maxAgents: correlate.maxAgents ?? 1_000_000,
      maxSessions: correlate.maxSessions ?? 1_000_000,
      maxSessionsPerAgent: correlate.maxSessionsPerAgent ?? 1000,
      maxActsPerSession: correlate.maxActsPerSession ?? 4096,
      maxActs: correlate.maxActs ?? 4_000_000,
      books: booksOf(config, joinWindowMs),
      digestKey: extra.digestKey,
      inventory: library.inventory,
    },
    detectors: library.detectors,
    maturity: config.detectors?.maturity ?? {},
    exceptions: library.exceptions ?? [],
    decide: {
      modeOf,
      earnedOf: earnedIn(library, extra.live ?? new Map()),
      control: extra.control ?? NO_CONTROL,
      guardrails: {
        neverTouch: new Set(guardrails.neverTouch ?? []),
        coolDownMs: ms(guardrails.coolDown, '5m'),
        immunityMs: ms(guardrails.immunity, '15m'),
        leaseMaxMs: ms(guardrails.leaseMax, '4h'),
        agentPerHour: guardrails.agentPerHour ?? 12,
        fleetPerMinute: guardrails.fleetPerMinute ?? 30,
        breakerFleetShare: guardrails.breakerFleetShare ?? 0.05,
        breakerRoleShare: guardrails.breakerRoleShare ?? 0.2,
        breakerWindowMs: ms(guardrails.breakerWindow, '15m'),
      },
    },
    baseline: extra.baseline ?? NO_BASELINE,
    levels: library.levels ?? NO_OBJECTIVES,
    maxBuffered: correlate.maxBuffered ?? 200_000,
    maxBufferedBytes: correlate.maxBufferedBytes ?? 256 * 1024 * 1024,
    tooLateMs: 86_400_000,
    packer: ROW_PACKER,
  };
  return { options, problems };
}

/** Mode of a role as configured; `default` for the rest, and observe where nothing is said. */
export function modeIn(config: Config, role: string | null): Mode {
  const { roles = {} } = config;
  // Roles are named by records: what every object inherits is no role.
  const own = Object.hasOwn(roles, role ?? '') ? roles[role ?? ''] : undefined;
  return (own ?? roles['default'])?.mode ?? 'observe';
}

/** Live measurements by `stem version role`. */
export type LiveMeasurements = ReadonlyMap<string, Measurement>;

/**
 * What the versions in the library have earned with a role; null for any other version. Live units of
 * the role speak where they earn more than the record beside the detector does.
 */
export function earnedIn(
  library: Pick<LaneLibrary, 'detectors' | 'measured'>,
  live: LiveMeasurements,
): (stem: string, version: string, role: string | null) => Earned | null {
  const byVersion = new Map(
    library.detectors.map((detector) => [`${detector.stem} ${detector.version}`, detector]),
  );
  return (stem, version, role) => {
    const detector = byVersion.get(`${stem} ${version}`);
    if (detector === undefined) return null;
    const { evidenceClass, status } = detector;
    const of = (measured: Measurement | null) => earnedTier({ evidenceClass, status, measured });
    const recorded = of(library.measured?.get(stem) ?? null);
    const seen = live.get(`${stem} ${version} ${role ?? ''}`);
    if (seen === undefined) return recorded;
    const lived = of(seen);
    return TIERS.indexOf(lived.tier) > TIERS.indexOf(recorded.tier) ? lived : recorded;
  };
}

function timingOf(source: SourceConfig): SourceTiming {
  return {
    topic: source.topic,
    latenessMs: durationMs(source.lateness ?? '30s'),
    idleAfterMs: durationMs(source.idleAfter ?? '30s'),
  };
}

/** A book is judged by absence only where some source carries it and none of these is sampled. */
function booksOf(config: Config, joinWindowMs: number): ReadonlyMap<Kind, BookOptions> {
  const books = new Map<Kind, BookOptions>();
  for (const kind of KINDS) {
    const carriers = config.sources.filter(({ kinds }) => kinds.includes(kind));
    if (!JUDGED.includes(kind) && carriers.some(({ expectEvery }) => expectEvery === undefined))
      continue;
    if (carriers.length === 0 || carriers.some(({ sampled }) => sampled === true)) continue;
    const rhythms = carriers.map(({ expectEvery }) => expectEvery);
    const expected = rhythms.every((every) => every !== undefined);
    const longest = Math.max(...rhythms.map((every) => durationMs(every ?? '0s')));
    books.set(kind, {
      quietMaxMs: expected ? 3 * longest : durationMs(config.correlate?.quietMax ?? '24h'),
      blindSessions: config.correlate?.blindSessions ?? 3,
      joinWindowMs,
      name: carriers.length === 1 ? (carriers[0]?.name ?? kind) : kind,
      expected,
    });
  }
  return books;
}
