import { client, take } from '../../api/client';
import type { RootChangePhase } from '../../api/types';
import { useMadePlan } from '../plan/use-plan';

interface PhaseWish {
  phase: RootChangePhase;
  /** Why it is begun although something is to be done before. */
  reason?: string;
}

/** Makes the plan of a phase, what is left of it, and opens its preview. */
export function usePhasePlan(id: string) {
  return useMadePlan(({ phase, reason }: PhaseWish) =>
    take(
      client.POST('/api/v1/root-changes/{id}/plans', {
        params: { path: { id } },
        body: { phase, override_reason: reason ?? '' },
      }),
    ),
  );
}
