import { client, take } from '../../api/client';
import type { CreatePlan, Job } from '../../api/types';

/** Has the agents read nodes again: plan and job in one go, as it changes nothing. */
export async function refresh(targets: Pick<CreatePlan, 'filter' | 'installations'>): Promise<Job> {
  const plan = await take(client.POST('/api/v1/plans', { body: { action: 'refresh', ...targets } }));
  return take(client.POST('/api/v1/jobs', { body: { plan_id: plan.id, consent: [], changed: 'drop' } }));
}

/** Has the agents read all nodes of a cluster again. */
export function refreshCluster(clusterId: string): Promise<Job> {
  return refresh({ filter: { cluster_ids: [clusterId] } });
}
