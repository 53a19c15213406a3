import type { Job, TaskState } from '../../api/types';

const OPEN_STATES: TaskState[] = ['waiting', 'pending', 'running'];

/** How many tasks have come to an end, whatever the end. */
export function doneOf(counts: Job['counts']): number {
  return Object.entries(counts).reduce(
    (sum, [state, count]) => (OPEN_STATES.includes(state as TaskState) ? sum : sum + count),
    0,
  );
}

/** Whether nothing of the job is left to do. */
export function isOver(job: Pick<Job, 'counts' | 'total'>): boolean {
  return job.total > 0 && doneOf(job.counts) >= job.total;
}
