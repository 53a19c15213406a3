import { notifications as toasts } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { planQuery } from '../../api/queries';
import type { CreatePlan, Plan } from '../../api/types';
import { useProblemText } from '../../components/States';
import { useView } from '../../lib/view';

/** Asks for a dry run by `make` and opens its preview over the page. Nothing is changed by it. `onError` is told also when whoever asked is
 * not on screen any more. */
export function useMadePlan<Wish>(make: (wish: Wish) => Promise<Plan>, onError?: (error: unknown) => void) {
  const queries = useQueryClient();
  const [, change] = useView();
  return useMutation({
    mutationFn: make,
    onSuccess: (plan) => {
      queries.setQueryData(planQuery(plan.id).queryKey, plan);
      change({ plan: plan.id });
    },
    onError,
  });
}

const makePlan = (body: CreatePlan) => take(client.POST('/api/v1/plans', { body }));

/** The dry run of an action, for a form that shows itself why there is none. */
export function usePlan() {
  return useMadePlan(makePlan);
}

/** The dry run of an action, for a menu or a bar, which may be gone when the answer comes: a refusal is told over the page. */
export function usePlanOrToast() {
  const { t } = useTranslation();
  const problemText = useProblemText();
  return useMadePlan(makePlan, (error) =>
    toasts.show({
      color: 'red',
      message: problemText(error),
      closeButtonProps: { 'aria-label': t('act.close') },
    }),
  );
}
