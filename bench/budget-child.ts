/** One part of the budget's evaluation in a process of its own. */
import { type BudgetPart, runPart } from './budget-parts.ts';
import { input } from './child.ts';

const rows = runPart(input<BudgetPart>());
// The answer is large: whoever exits right after sending it may take it along. The parent says when.
process.removeAllListeners('disconnect');
process.channel?.ref();
process.send?.({ answer: rows });
