import type { Plan, Rollback } from '../../api/types';

// Worst last: a plan can be undone only as well as its worst step.
const ORDER: Rollback[] = ['automatic', 'restore_previous', 'none'];

/** Steps that change nothing on a node need no undoing. */
const READING_STEPS = ['verify', 'inventory'];

/** How a plan can be undone: `nothing` where it only reads. */
export function undoOf(plan: Pick<Plan, 'targets'>): Rollback | 'nothing' {
  const steps = plan.targets
    .flatMap((target) => target.steps)
    .filter(({ step }) => !READING_STEPS.includes(step));
  if (steps.length === 0) return 'nothing';
  const worst = Math.max(...steps.map(({ rollback }) => ORDER.indexOf(rollback)));
  return ORDER[worst] ?? 'none';
}
