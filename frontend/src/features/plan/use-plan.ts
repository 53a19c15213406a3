import { useMutation, useQueryClient } from '@tanstack/react-query';
import { client, take } from '../../api/client';
import { planQuery } from '../../api/queries';
import type { CreatePlan } from '../../api/types';
import { useView } from '../../lib/view';

/** Asks for the dry run of an action and opens its preview over the page. Nothing is changed by it. `onError` is told also when whoever asked is
 * not on screen any more. */
export function usePlan(onError?: (error: unknown) => void) {
  const queries = useQueryClient();
  const [, change] = useView();
  return useMutation({
    mutationFn: (body: CreatePlan) => take(client.POST('/api/v1/plans', { body })),
    onSuccess: (plan) => {
      queries.setQueryData(planQuery(plan.id).queryKey, plan);
      change({ plan: plan.id });
    },
    onError,
  });
}
