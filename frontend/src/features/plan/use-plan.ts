import { useMutation, useQueryClient } from '@tanstack/react-query';
import { http } from '../../api/http';
import { planQuery } from '../../api/queries';
import type { Plan } from '../../api/types';
import { useView } from '../../lib/view';

export interface PlanRequest {
  action: 'refresh' | 'generate_csr' | 'upload_certificate';
  installations?: string[];
  nodes?: string[];
  cluster_id?: string;
  csr_id?: string;
  csr?: { common_name: string; names: string[]; key_type: string; key_bits: number; hash: string };
  certificate?: string;
}

/** Asks for the dry run of an action and opens its preview over the page. Nothing is changed by it. */
export function usePlan() {
  const client = useQueryClient();
  const [, change] = useView();
  return useMutation({
    mutationFn: (request: PlanRequest) => http.post<Plan>('/api/v1/plans', request),
    onSuccess: (plan) => {
      client.setQueryData(planQuery(plan.id).queryKey, plan);
      change({ plan: plan.id });
    },
  });
}
