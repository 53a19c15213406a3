import type { Cluster } from '../../api/types';

/** How a cluster is drawn on the map of the fleet. */
export type Heat = 'expired' | 'expiring' | 'valid' | 'unreachable' | 'unknown';

/** What is expired counts more than that nobody answers: the rows are the last known state then. */
export function heatOf(cluster: Pick<Cluster, 'identity' | 'trust' | 'status'>): Heat {
  const { identity, trust, status } = cluster;
  if (identity.expired + trust.expired > 0) return 'expired';
  if (status === 'unreachable') return 'unreachable';
  if (identity.expiring + trust.expiring > 0) return 'expiring';
  if (identity.total + trust.total === 0) return 'unknown';
  return 'valid';
}
