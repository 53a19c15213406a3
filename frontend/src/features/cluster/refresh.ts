import { client, take } from '../../api/client';
import type { Job } from '../../api/types';

/** Has the agents read all nodes of a cluster again: plan and job in one go. */
export async function refreshCluster(cluster_id: string): Promise<Job> {
  const plan = await take(
    client.POST('/api/v1/plans', { body: { action: 'refresh', filter: { cluster_ids: [cluster_id] } } }),
  );
  return take(client.POST('/api/v1/jobs', { body: { plan_id: plan.id, consent: [], changed: 'drop' } }));
}
