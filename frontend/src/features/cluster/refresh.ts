import { http } from '../../api/http';
import type { Job, Plan } from '../../api/types';

/** Has the agents read all nodes of a cluster again: plan and job in one go. */
export async function refreshCluster(clusterId: string): Promise<Job> {
  const plan = await http.post<Plan>('/api/v1/plans', { action: 'refresh', cluster_id: clusterId });
  return http.post<Job>('/api/v1/jobs', { plan_id: plan.id, consent: [], changed: 'drop' });
}
