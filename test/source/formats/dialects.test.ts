/** Dialects: every table has fixtures, and every fixture, in both encodings, the event beside it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event } from '../../../src/model/event.ts';
import { DIALECTS } from '../../../src/source/formats/dialects.ts';
import { FIXTURES } from './dialect-fixtures.ts';
import { protobufOf } from './otlp-encode.ts';
import { decoded } from './otlp-requests.ts';

/** What a payload gave: without source, identity and what is derived. */
function partsOf(event: Event) {
  const { src: _s, time: _t, nativeId: _n, contentHash: _c, evidence: _e, ...parts } = event;
  return parts;
}

describe('dialects', () => {
  it('have fixtures, all of them', () => {
    const covered = new Set(FIXTURES.map(({ dialect }) => dialect));
    assert.deepEqual([...covered].sort(), DIALECTS.map(({ name }) => name).sort());
  });

  for (const { dialect, about, topic, request, expected } of FIXTURES)
    it(`${dialect}: ${about}`, () => {
      for (const body of [request, protobufOf(request)]) {
        const { events, deadLetters, flags } = decoded(topic, body);
        assert.deepEqual(
          deadLetters.map(({ detail }) => detail),
          [],
        );
        assert.deepEqual(events.map(partsOf), expected === null ? [] : [expected]);
        assert.equal(flags.ignored, expected === null ? 1 : 0);
      }
    });
});
