import { infiniteQueryOptions, queryOptions, type QueryClient } from '@tanstack/react-query';
import { http, type Query } from './http';
import type {
  Agent,
  Certificate,
  Cluster,
  ClusterNode,
  Counts,
  Csr,
  HistoryEvent,
  Installation,
  Job,
  Me,
  Page,
  Plan,
  Ref,
  Task,
  TrustRow,
} from './types';

const PAGE_SIZE = 50;
const POLL_MS = 5_000;

function list<T>(path: string, query: Query = {}) {
  return infiniteQueryOptions({
    queryKey: [path, query],
    queryFn: ({ pageParam, signal }) =>
      http.get<Page<T>>(path, { limit: PAGE_SIZE, ...query, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
}

function one<T>(path: string, query: Query = {}) {
  return queryOptions({
    queryKey: [path, query],
    queryFn: ({ signal }) => http.get<T>(path, query, signal),
  });
}

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => http.get<Me>('/api/v1/sessions/current'),
  staleTime: 60_000,
});

export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: () => http.get<{ needed: boolean }>('/api/v1/setup'),
});

export interface ClusterFilter {
  search?: string;
  product?: string[];
}

export interface CertificateFilter {
  search?: string;
  status?: string[];
  purpose?: string[];
  store?: string[];
}

export interface JobFilter {
  from?: string;
  to?: string;
  state?: string[];
  cluster_id?: string;
}

export const clustersQuery = (filter: ClusterFilter) => ({
  ...list<Cluster>('/api/v1/clusters', { ...filter }),
  refetchInterval: 3 * POLL_MS,
});

export const clusterQuery = (id: string) => ({
  ...one<Cluster>(`/api/v1/clusters/${id}`),
  refetchInterval: 2 * POLL_MS,
});

export interface ClusterSummary {
  identity: Counts;
  trust: Counts;
  /** Of the current month. Failed ones count as complete. */
  jobs: { total: number; complete: number; pending: number; failed: number };
}

export const clusterSummaryQuery = (id: string) => ({
  ...one<ClusterSummary>(`/api/v1/clusters/${id}/summary`),
  refetchInterval: 2 * POLL_MS,
});

export const nodesQuery = (clusterId: string) => ({
  ...list<ClusterNode>(`/api/v1/clusters/${clusterId}/nodes`),
  refetchInterval: 2 * POLL_MS,
});

export const identityQuery = (clusterId: string, filter: CertificateFilter) =>
  list<Installation>(`/api/v1/clusters/${clusterId}/identity-certificates`, { ...filter });

export const trustQuery = (clusterId: string, filter: CertificateFilter) =>
  list<TrustRow>(`/api/v1/clusters/${clusterId}/trust-certificates`, { ...filter });

export const installationQuery = (id: string) => one<Installation>(`/api/v1/installations/${id}`);

export const historyQuery = (id: string) => one<Page<HistoryEvent>>(`/api/v1/installations/${id}/history`);

export const certificateQuery = (id: string) => ({
  ...one<Certificate>(`/api/v1/certificates/${id}`),
  staleTime: 5 * 60_000,
});

export const csrQuery = (id: string) => one<Csr>(`/api/v1/csrs/${id}`);

export const planQuery = (id: string) => ({ ...one<Plan>(`/api/v1/plans/${id}`), staleTime: Infinity });

export const jobsQuery = (filter: JobFilter) => ({
  ...list<Job>('/api/v1/jobs', { ...filter }),
  refetchInterval: POLL_MS,
});

export const jobQuery = (id: string) => one<Job>(`/api/v1/jobs/${id}`);

export const tasksQuery = (jobId: string) => list<Task>(`/api/v1/jobs/${jobId}/tasks`);

export const agentsQuery = () => ({ ...list<Agent>('/api/v1/agents'), refetchInterval: POLL_MS });

export const groupsQuery = () => one<Page<Ref>>('/api/v1/groups');

/** Marks everything under these paths as old: what is on screen is read again. */
export async function invalidate(client: QueryClient, ...prefixes: string[]): Promise<void> {
  await client.invalidateQueries({
    predicate: ({ queryKey }) => prefixes.some((prefix) => String(queryKey[0]).startsWith(prefix)),
  });
}
