/** Subjects of signals: how an agent and its session are named to one receiver (RFC 9493). */
import type { Subject } from '../model/decision.ts';
import { type ReceiverRule, subjectKey } from '../model/signals.ts';

/** How agents are named outside. */
export interface SubjectNames {
  readonly subjectIssuer: string;
  readonly emailDomain: string | null;
}

/** Agents name themselves: only what cannot end the local part may stand in it. */
const LOCAL_PART = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/**
 * `sub_id` of a subject for one receiver; null where it may not hear of it, where it has no name for
 * it, and where naming it would widen one session to a whole agent without that being allowed.
 */
export function subjectId(
  { tenant, agent, session }: Subject,
  rule: ReceiverRule,
  names: SubjectNames,
): Readonly<Record<string, unknown>> | null {
  if (rule.tenants !== null && !rule.tenants.includes(tenant)) return null;
  if (agent === '' || session === '') return null;
  const user = { format: 'iss_sub', iss: names.subjectIssuer, sub: agent };
  if (rule.subject === 'complex') {
    return {
      format: 'complex',
      user,
      ...(session === null ? {} : { session: { format: 'opaque', id: session } }),
      tenant: { format: 'opaque', id: tenant },
    };
  }
  if (session !== null && !rule.wholeAgent) return null;
  if (rule.subject === 'iss_sub') return user;
  if (names.emailDomain === null || !LOCAL_PART.test(agent) || agent.includes('..')) return null;
  return { format: 'email', email: `${agent}@${names.emailDomain}` };
}

/** Keys by which a receiver may have taken a subject out: itself, and the agent in it. */
export function signalSubjects(subject: Readonly<Record<string, unknown>>): readonly string[] {
  const user = subject['format'] === 'complex' ? subject['user'] : undefined;
  return [subjectKey(subject), ...(user === undefined ? [] : [subjectKey(user)])];
}
