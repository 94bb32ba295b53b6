/** OCSF: every finding fits the published schema, whatever agents wrote into the record. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { renderAlert } from '../../../src/act/finding/finding.ts';
import { OCSF_VERSIONS } from '../../../src/act/finding/ocsf.ts';
import { ALERT_ACTIVITIES } from '../../../src/model/alert.ts';
import { LEVELS } from '../../../src/model/detection.ts';
import { material, ocsfFinding } from '../../conformance/published.ts';
import { seedOf } from '../../source/seed.ts';
import {
  BEGAN_MS,
  CASE,
  caseOf,
  detectionOf,
  dueOf,
  FINDING,
  HOSTILE,
  leaseOf,
  matterOf,
} from '../matter.ts';

const fits = { '1.8.0': ocsfFinding('1.8.0'), '1.9.0-dev': ocsfFinding('1.9.0-dev') };
type Event = Record<string, never>;
const render = (due = dueOf(), options = FINDING) => {
  const alert = renderAlert(due, options);
  assert.ok(alert !== null);
  return alert;
};
const eventOf = (due = dueOf(), options = FINDING) => render(due, options).event as Event;

describe('the published schema', () => {
  it('is switched on: it takes the valid samples and refuses the invalid ones', () => {
    const samples = material('ocsf/samples-1.8.0.jsonl').trim().split('\n');
    let refused = 0;
    for (const line of samples) {
      const { name, valid, finding } = JSON.parse(line) as {
        name: string;
        valid: boolean;
        finding: unknown;
      };
      assert.equal(fits['1.8.0'](finding).ok, valid, name);
      if (!valid) refused += 1;
    }
    assert.equal(refused, 20);
  });
});

describe('a case as Detection Finding', () => {
  for (const version of OCSF_VERSIONS)
    for (const activity of ALERT_ACTIVITIES)
      it(`fits ${version} when it tells: ${activity}`, () => {
        for (const level of LEVELS) {
          const event = eventOf(dueOf({ activity, level }), { ...FINDING, version });
          assert.deepEqual(fits[version](event), { ok: true, why: '' });
          const other = version === '1.8.0' ? '1.9.0-dev' : '1.8.0';
          assert.equal(fits[other](event).ok, false, 'each version says which it is');
        }
      });

  it('says who, what, since when, by which analytic, and what was done', () => {
    const event = eventOf() as Record<string, unknown>;
    assert.equal(event['type_uid'], 200_401);
    assert.equal(event['severity_id'], 4);
    assert.equal(event['is_alert'], true);
    assert.equal(event['time'], BEGAN_MS);
    assert.deepEqual([event['risk_score'], event['risk_level']], [72, 'High']);
    assert.deepEqual([event['action'], event['disposition']], ['Denied', 'Isolated']);
    const info = event['finding_info'] as Record<string, unknown>;
    assert.equal(info['uid'], CASE);
    assert.deepEqual(info['analytic'], {
      ...{ uid: 'unstated-action', name: 'unstated-action', version: 'v1', category: 'intent' },
      ...{ type_id: 1, type: 'Rule', state_id: 1, state: 'Active' },
    });
    assert.deepEqual(info['attacks'], [
      { technique: { uid: 'AML.T0053', name: 'name of atlas.t0053' }, version: '5.6.0' },
      {
        technique: { uid: 'AML.T0010', name: 'name of atlas.t0010' },
        sub_technique: { uid: 'AML.T0010.005', name: 'name of atlas.t0010.005' },
        version: '5.6.0',
      },
      { technique: { uid: 'T1485', name: 'name of attack.t1485' }, version: '5.6.0' },
    ]);
    assert.deepEqual(info['tags'], [
      { name: 'owasp-asi', values: ['ASI02'] },
      { name: 'owasp-mcp', values: ['MCP03'] },
    ]);
    assert.equal(info['src_url'], `https://plumbline.example/cases/${CASE}`);
    const evidences = event['evidences'] as { uid: string; data: { position: unknown } }[];
    assert.deepEqual(
      evidences.map(({ uid }) => uid),
      ['e-0', 'e-1'],
    );
    assert.deepEqual(evidences[1]?.data.position, { topic: 'metrics', partition: 0, offset: 1 });
  });

  it('names the agent as an AI agent only where the coming version is asked for', () => {
    assert.ok(!JSON.stringify(eventOf()).includes('ai_agent'));
    const next = eventOf(dueOf(), { ...FINDING, version: '1.9.0-dev' });
    assert.match(JSON.stringify(next), /"ai_agent":\{"uid":"agent-7","type":"billing"\}/);
  });

  it('is an alert when it is new, and resolved when it is over', () => {
    const of = (activity: 'update' | 'close') => eventOf(dueOf({ activity, sequence: 2 }));
    assert.deepEqual([of('update')['is_alert'], of('update')['status']], [false, 'In Progress']);
    assert.deepEqual([of('close')['is_alert'], of('close')['status']], [false, 'Resolved']);
  });

  it('tells the strongest measure that stands, and none that is over', () => {
    const dispositions = (verb: 'posture' | 'revoke_session', state: 'accepted' | 'released') =>
      eventOf(dueOf({ matter: matterOf({ leases: [leaseOf({ verb, state })] }) }))['disposition'];
    assert.equal(dispositions('revoke_session', 'accepted'), 'Access Revoked');
    assert.equal(dispositions('posture', 'accepted'), 'Isolated');
    assert.equal(dispositions('revoke_session', 'released'), 'Detected');
  });

  it('carries a verdict where people agree, and none where they do not', () => {
    const said = (...words: ('true_positive' | 'false_positive' | 'benign_true_positive')[]) => {
      const verdicts = words.map((verdict) => ({
        ...{ detectionId: 'd-1', detector: 'x', version: 'v1', verdict, by: 'anna', note: '' },
        atMs: 1,
      }));
      const event = eventOf(dueOf({ matter: matterOf({ verdicts }) }));
      assert.ok(fits['1.8.0'](event).ok);
      return event['verdict'];
    };
    assert.equal(said('true_positive'), 'True Positive');
    assert.equal(said('false_positive', 'false_positive'), 'False Positive');
    assert.equal(said('benign_true_positive'), 'Benign');
    assert.equal(said('true_positive', 'false_positive'), undefined);
    assert.equal(eventOf(dueOf({ why: ['test'] }))['verdict'], 'Test');
  });

  it('shows calibrated evidence as an anomaly', () => {
    const detection = detectionOf({ evidenceClass: 'statistical', maturity: 'shadow' });
    const event = eventOf(
      dueOf({ matter: matterOf({ detections: [{ detection, retracted: false }] }) }),
    );
    assert.deepEqual(fits['1.8.0'](event), { ok: true, why: '' });
    assert.match(JSON.stringify(event), /"observation_parameter":"unstated-action"/);
    assert.match(JSON.stringify(event), /"state":"Experimental"/);
  });

  it('does not hold what was taken back, and stands without any detection', () => {
    const detections = [{ detection: detectionOf(), retracted: true }];
    const event = eventOf(dueOf({ matter: matterOf({ detections }) }));
    assert.deepEqual(fits['1.8.0'](event), { ok: true, why: '' });
    assert.equal(event['evidences'], undefined);
  });

  it('says first what people are asked for', () => {
    const says = ['Approval wanted within 10 min: freeze_tool by hook, lease 3f2a90c1d4e5'];
    const alert = render(dueOf({ why: ['approval'], says }));
    assert.ok(alert.summary.startsWith(says[0] ?? '-'));
    assert.ok(alert.description.startsWith(says[0] ?? '-'));
    assert.deepEqual(fits['1.8.0'](alert.event), { ok: true, why: '' });
  });

  it('is null for a case that is not in the record', () => {
    assert.equal(renderAlert(dueOf({ matter: null }), FINDING), null);
  });
});

describe('hostile text', () => {
  const hostile = () => {
    const entity = { tenant: HOSTILE, agent: HOSTILE, role: HOSTILE, session: HOSTILE };
    const detection = detectionOf({
      ...{ entity, tool: HOSTILE, explanation: HOSTILE, counterfactual: HOSTILE },
      ...{ detector: HOSTILE, version: HOSTILE, tags: [HOSTILE, 'atlas.t9999x'] },
      witnesses: [
        {
          ...{ eventId: HOSTILE, kind: 'gateway', timeMs: Number.NaN, seq: null, says: HOSTILE },
          position: { topic: HOSTILE, partition: 0, offset: 1, index: 0 },
        },
      ],
    });
    const subject = { tenant: HOSTILE, agent: HOSTILE, session: HOSTILE, tools: [HOSTILE] };
    return matterOf({
      case: caseOf({ entity, title: HOSTILE, risk: Number.NaN }),
      detections: [{ detection, retracted: false }],
      leases: [leaseOf({ subject, driver: HOSTILE })],
    });
  };

  it('still fits, and holds no character that a terminal or a reader would take for more', () => {
    const alert = render(dueOf({ matter: hostile() }));
    const text = JSON.stringify(alert);
    assert.deepEqual(fits['1.8.0'](JSON.parse(text).event), { ok: true, why: '' });
    const strings: string[] = [];
    JSON.parse(text, (_key, value: unknown) => {
      if (typeof value === 'string') strings.push(value);
      return value;
    });
    for (const one of strings) {
      assert.ok(one.isWellFormed());
      // Lines of the description are ours; in them nothing invisible is left.
      assert.doesNotMatch(one.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]|\p{Variation_Selector}/u);
    }
  });

  it('fits for any strings and any numbers, and stays within its bounds', (t) => {
    const seed = seedOf(t);
    const text = fc.string({ unit: 'binary', maxLength: 3000 });
    fc.assert(
      fc.property(text, text, fc.array(text, { maxLength: 60 }), fc.double(), (a, b, many, n) => {
        const entity = { tenant: a, agent: b, role: a, session: b };
        const detections = many.map((one, at) => ({
          detection: detectionOf({
            ...{ id: String(at), detector: one, version: a, entity, tool: one, tags: [one, b] },
            ...{ explanation: one, counterfactual: b, timeMs: n, decidedMs: n },
          }),
          retracted: at % 7 === 6,
        }));
        const leases = many.map((tool) =>
          leaseOf({ subject: { tenant: a, agent: b, session: a, tools: [tool, a, b] } }),
        );
        const one = caseOf({
          entity,
          title: a,
          risk: n,
          openedMs: n,
          lastMs: n,
          count: many.length,
        });
        const alert = render(dueOf({ matter: matterOf({ case: one, detections, leases }) }));
        const written = JSON.stringify(alert);
        assert.ok(Buffer.byteLength(written) < 256 * 1024, `${Buffer.byteLength(written)} bytes`);
        assert.deepEqual(fits['1.8.0'](JSON.parse(written).event), { ok: true, why: '' });
      }),
      { seed, numRuns: 60 },
    );
  });
});
