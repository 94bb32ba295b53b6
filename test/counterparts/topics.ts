/** Kafka topics in memory behind the publisher's port; real Kafka is for the integration tests. */
import { OperatingError } from '../../src/model/errors.ts';
import type { OutRecord, Publisher } from '../../src/model/ports.ts';
import type { Mood } from './server.ts';

/** Topics that can be away. */
export interface TopicsCounterpart {
  readonly publisher: Publisher;
  readonly records: OutRecord[];
  mood: Mood | 'down' | 'no-topic';
}

/** Empty topics. */
export function createTopics(): TopicsCounterpart {
  const records: OutRecord[] = [];
  const fail = (code: 'BROKER_UNREACHABLE' | 'BROKER_TOPIC_MISSING') => {
    throw new OperatingError(code, 'away', { retryable: code === 'BROKER_UNREACHABLE' });
  };
  const topics: TopicsCounterpart = {
    records,
    mood: 'works',
    publisher: {
      publish: async (batch) => {
        if (topics.mood === 'no-topic') fail('BROKER_TOPIC_MISSING');
        if (topics.mood === 'works' || topics.mood === 'loses-reply') records.push(...batch);
        if (topics.mood !== 'works') fail('BROKER_UNREACHABLE');
      },
      close: async () => undefined,
    },
  };
  return topics;
}
