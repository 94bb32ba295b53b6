/** Budgets in the configuration: how many needless responses are allowed, rung by rung. */
import { Type } from 'typebox';
import { strict } from './parts.ts';

const budget = (description: string, fallback: string) =>
  Type.String({
    minLength: 3,
    maxLength: 80,
    description: `${description} that are allowed, in words: 1 per agent-week, 1 per 10,000 sessions, 1 % of sessions.`,
    default: fallback,
  });

/** Budgets by rung. */
export const BudgetsConfig = Type.Object(
  {
    alert: Type.Optional(budget('Needless alerts', '1 per agent-week')),
    posture: Type.Optional(budget('Needless restrictions', '1 per agent-month')),
    freeze_tool: Type.Optional(budget('Needless freezes', '1 per fleet-week')),
    revoke_session: Type.Optional(budget('Needless revocations', '1 per fleet-month')),
    suspend_agent: Type.Optional(budget('Needless suspensions', '1 per fleet-quarter')),
  },
  {
    ...strict,
    description: 'False firings of calibrated evidence that are allowed, by rung.',
  },
);
