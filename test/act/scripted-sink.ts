/** A sink that does what a test says, for what no honest counterpart does. */
import type { Sink, SinkCapabilities } from '../../src/act/sink.ts';
import type { Alert } from '../../src/model/alert.ts';
import type { SendOutcome } from '../../src/model/alert-log.ts';

/** Makes one; `answer` is called for each sending and may reject. */
export function createScriptedSink(
  answer: (alert: Alert) => Promise<SendOutcome>,
  more: Partial<SinkCapabilities> = {},
): Sink {
  return {
    capabilities: () => ({
      ...{ type: 'scripted', kinds: ['finding'], notifies: false, resendMs: null },
      ...{ pauseMs: 0, bytesMax: 1_000_000 },
      ...more,
    }),
    render: (alert) => [{ to: 'nowhere', body: JSON.stringify(alert.event) }],
    send: answer,
  };
}
