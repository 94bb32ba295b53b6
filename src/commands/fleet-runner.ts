/** Runs a simulated fleet against real sinks, at the pace of the clock or as fast as it goes. */
import type { Inventory } from '../model/expectation.ts';
import type { Clock, Http, Log, OutRecord, Publisher } from '../model/ports.ts';
import type { Emission, Truth } from '../simulation/emission.ts';
import type { Fleet } from '../simulation/fleet.ts';
import type { GateAnswer, GateCall } from '../simulation/running.ts';
import { encodeEvent } from '../source/canonical.ts';

/** A lease as the control plane lists it. */
interface ListedLease {
  readonly leaseId: string;
  readonly verb: string;
  readonly state: string;
  readonly subject: {
    readonly agent: string;
    readonly session: string | null;
    readonly tools: readonly string[];
  };
}

/** The gateway's view of the control plane: polled, so that each call is answered at once. */
export interface Gate {
  readonly answer: (call: GateCall) => GateAnswer;
  /** Looks again. A control plane that cannot be reached leaves the last view standing. */
  refresh(): Promise<void>;
}

/** A gate over `GET <url>/leases`. Without a URL everything is allowed. */
export function createGate(url: string | null, http: Http, inventory: Inventory, log: Log): Gate {
  let active: readonly ListedLease[] = [];
  return {
    answer: ({ agentId, sessionId, tool }) => {
      for (const lease of active) {
        const { subject } = lease;
        if (subject.agent !== agentId) continue;
        if (subject.session !== null && subject.session !== sessionId) continue;
        const denies =
          lease.verb === 'posture'
            ? inventory.tool(tool)?.class !== 'read'
            : subject.tools.length === 0 || subject.tools.includes(tool);
        if (denies)
          return { allowed: false, policyId: `plumbline:${lease.leaseId}`, reason: lease.verb };
      }
      return { allowed: true };
    },
    refresh: async () => {
      if (url === null) return;
      try {
        const reply = await http({
          method: 'GET',
          url: `${url}/leases`,
          headers: { accept: 'application/json' },
          timeoutMs: 2000,
        });
        const listed = JSON.parse(reply.body) as { readonly leases: readonly ListedLease[] };
        active = listed.leases.filter(({ state }) => state === 'active');
      } catch (cause) {
        log.debug(
          { code: cause instanceof Error ? cause.name : 'unknown' },
          'control plane not reached',
        );
      }
    },
  };
}

/** How a fleet is run. */
export interface FleetRun {
  readonly fleet: Fleet;
  readonly publisher: Publisher;
  readonly gate: Gate;
  readonly clock: Clock;
  /** Topic of a stream. */
  readonly topicOf: (stream: string) => string;
  /** Ends after this many events, or at this time; null = never. */
  readonly events: number | null;
  readonly untilMs: number | null;
  /** True: event time follows the clock. False: as fast as the sinks take it. */
  readonly inRealTime: boolean;
  readonly onTruth: (truth: Truth) => void;
  readonly onSent: (sent: number) => void;
}

const STEP_MS = 100;
const BATCH = 1000;

/** Publishes until it ends or the signal aborts. Returns how many events were sent. */
export async function runFleet(run: FleetRun, signal: AbortSignal): Promise<number> {
  let sent = 0;
  const send = async (emissions: readonly Emission[]) => {
    const records: OutRecord[] = [];
    for (const { topic, key, event, truth, atMs } of emissions) {
      records.push({
        topic: run.topicOf(topic),
        key,
        value: encodeEvent(event),
        timestampMs: atMs,
      });
      if (truth !== null) run.onTruth(truth);
    }
    if (records.length > 0) await run.publisher.publish(records);
    sent += records.length;
    run.onSent(sent);
  };
  const left = () => (run.events === null ? BATCH : Math.min(BATCH, run.events - sent));
  while (!signal.aborted && left() > 0) {
    if (run.inRealTime) {
      const nowMs = run.clock.nowMs();
      if (run.untilMs !== null && nowMs >= run.untilMs) break;
      await run.gate.refresh();
      await send(run.fleet.until(nowMs));
      await run.clock.sleep(STEP_MS, signal);
    } else {
      const emissions = run.fleet.take(left());
      if (emissions.length === 0) break;
      await send(emissions);
      const last = emissions[emissions.length - 1];
      if (run.untilMs !== null && last !== undefined && last.atMs >= run.untilMs) break;
    }
  }
  return sent;
}
