/** Objectives that are in force in every case of a detector; they are about `desk-duty` only. */
import { METERS, type ServiceLevels } from '../../src/model/objective.ts';

const common = {
  scope: { role: 'clerk', workflow: 'desk-duty' },
  target: 0.9,
  windowMs: 28 * 86_400_000,
  leastBad: 5,
} as const;

/** Two promises about sessions that were opened with the task type `desk-duty`. */
export const DESK_LEVELS: ServiceLevels = {
  objectives: [
    { ...common, name: 'desk-answers', title: 'The desk answers', indicator: { of: 'turns' } },
    {
      ...common,
      name: 'desk-cost',
      title: 'A session at the desk costs at most one',
      indicator: { of: 'cost', atMost: 1 },
    },
  ],
  meters: METERS,
};
