import type { Plan, Undo } from '../../api/types';

/** Steps that change nothing on a node need no undoing. */
const READING_STEPS = ['verify', 'inventory'];

/** How a plan can be undone, as the server says; `nothing` where it only reads. */
export function undoOf(plan: Pick<Plan, 'targets' | 'undo'>): Undo | 'nothing' {
  const reads = plan.targets.every((target) =>
    target.steps.every(({ step }) => READING_STEPS.includes(step)),
  );
  return reads ? 'nothing' : plan.undo;
}
