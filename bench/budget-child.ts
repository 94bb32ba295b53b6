/** One part of the budget's evaluation in a process of its own. */
import { type BudgetPart, runPart } from './budget-parts.ts';
import { answer, input } from './child.ts';

answer(runPart(input<BudgetPart>()));
