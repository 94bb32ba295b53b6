/** Compiles checked rules to closures: short-circuiting, over the view of an event. */
import type { Clause, SigmaRule } from '../../model/sigma.ts';
import { compileMatch, type Holds } from './tests.ts';

/** Does the rule match an event? Log source is not asked. */
export function compileRule(rule: SigmaRule): Holds {
  if (rule.unresolved.length > 0) return () => false;
  const selections = new Map<string, Holds>();
  for (const [name, clause] of rule.selections)
    selections.set(name, compileClause(clause, selections));
  return compileClause(rule.condition, selections);
}

/** Compiles a tree; selections it names must be in the map. */
export function compileClause(clause: Clause, selections: ReadonlyMap<string, Holds>): Holds {
  switch (clause.type) {
    case 'match':
      return compileMatch(clause);
    case 'selection': {
      const holds = selections.get(clause.name);
      if (holds === undefined) throw new RangeError(`no selection ${clause.name}`);
      return holds;
    }
    case 'not': {
      const holds = compileClause(clause.item, selections);
      return (view) => !holds(view);
    }
    case 'and': {
      const items = clause.items.map((item) => compileClause(item, selections));
      return (view) => {
        for (const holds of items) if (!holds(view)) return false;
        return true;
      };
    }
    case 'or': {
      const items = clause.items.map((item) => compileClause(item, selections));
      return (view) => {
        for (const holds of items) if (holds(view)) return true;
        return false;
      };
    }
  }
}
