import { queryOptions, type QueryClient } from '@tanstack/react-query';
import { client, take } from './client';
import type {
  AgentStatus,
  AlertStatus,
  CertificateSort,
  ClusterStatus,
  CsrState,
  JobStatus,
  Page,
  StatusFilter,
  StoreKind,
} from './types';

const PAGE_SIZE = 50;
export const POLL_MS = 5_000;

/** Nouns that stand first in the keys of queries; what a change makes old is named by them. */
export type Noun =
  | 'agents'
  | 'audit'
  | 'certificates'
  | 'clusters'
  | 'csrs'
  | 'groups'
  | 'jobs'
  | 'messages'
  | 'overview'
  | 'people'
  | 'plans'
  | 'profiles'
  | 'root-changes'
  | 'settings';

interface PageQuery {
  limit: number;
  cursor?: string;
}

/** How to read a list page by page: what `useList` takes. */
export interface ListOptions<T> {
  queryKey: unknown[];
  queryFn: (context: { pageParam: string | null; signal: AbortSignal }) => Promise<Page<T>>;
  initialPageParam: string | null;
  getNextPageParam: (page: Page<T>) => string | null;
  refetchInterval?: number;
}

/** A list of a noun; the rest of the key tells it from others. */
export function list<T>(
  key: [Noun, ...unknown[]],
  read: (query: PageQuery, signal: AbortSignal) => Promise<Page<T>>,
): ListOptions<T> {
  return {
    queryKey: key,
    queryFn: ({ pageParam, signal }) => read({ limit: PAGE_SIZE, cursor: pageParam ?? undefined }, signal),
    initialPageParam: null,
    getNextPageParam: (page) => page.next ?? null,
  };
}

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => take(client.GET('/api/v1/me')),
  staleTime: 60_000,
});

export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: () => take(client.GET('/api/v1/setup')),
});

export interface ClusterFilter {
  search?: string;
  product?: string[];
  group?: string[];
  status?: ClusterStatus[];
  profile?: string[];
}

export interface CertificateFilter {
  search?: string;
  status?: StatusFilter[];
  /** Order; lists that have one only pay no heed to it. */
  sort?: CertificateSort;
}

export interface JobFilter {
  from?: string;
  to?: string;
  state?: JobStatus[];
  cluster_id?: string;
}

export const clustersQuery = (filter: ClusterFilter) => ({
  ...list(['clusters', 'list', filter], (page, signal) =>
    take(client.GET('/api/v1/clusters', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: POLL_MS,
});

export const catalogueQuery = queryOptions({
  queryKey: ['catalogue'],
  queryFn: ({ signal }) => take(client.GET('/api/v1/catalogue', { signal })),
  staleTime: Infinity,
});

export const clusterQuery = (id: string) =>
  queryOptions({
    queryKey: ['clusters', 'one', id],
    queryFn: ({ signal }) => take(client.GET('/api/v1/clusters/{id}', { params: { path: { id } }, signal })),
    refetchInterval: POLL_MS,
  });

export const clusterSummaryQuery = (id: string) =>
  queryOptions({
    queryKey: ['clusters', 'summary', id],
    queryFn: ({ signal }) =>
      take(client.GET('/api/v1/clusters/{id}/summary', { params: { path: { id } }, signal })),
    refetchInterval: 2 * POLL_MS,
  });

export const nodesQuery = (clusterId: string) => ({
  ...list(['clusters', 'nodes', clusterId], (query, signal) =>
    take(client.GET('/api/v1/clusters/{id}/nodes', { params: { path: { id: clusterId }, query }, signal })),
  ),
  refetchInterval: POLL_MS,
});

export const identityQuery = (clusterId: string, filter: CertificateFilter) => ({
  ...list(['certificates', 'identity', clusterId, filter], (page, signal) =>
    take(
      client.GET('/api/v1/clusters/{id}/identity-certificates', {
        params: { path: { id: clusterId }, query: { ...filter, ...page } },
        signal,
      }),
    ),
  ),
  refetchInterval: 2 * POLL_MS,
});

export const trustQuery = (clusterId: string, { search, status }: CertificateFilter) => ({
  ...list(['certificates', 'trust', clusterId, { search, status }], (page, signal) =>
    take(
      client.GET('/api/v1/clusters/{id}/trust-certificates', {
        params: { path: { id: clusterId }, query: { search, status, ...page } },
        signal,
      }),
    ),
  ),
  refetchInterval: 2 * POLL_MS,
});

/** Which alerts: any of the words of each list, and one kind. */
export interface AlertFilter {
  search?: string;
  /** Purposes and trust stores. */
  certificate?: string[];
  product?: string[];
  status?: AlertStatus[];
  kind?: StoreKind;
  sort?: CertificateSort;
}

export const alertsQuery = (filter: AlertFilter) => ({
  ...list(['certificates', 'alerts', filter], (page, signal) =>
    take(client.GET('/api/v1/alerts', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: 2 * POLL_MS,
});

/** Which installed certificates, by their end. */
export interface EndFilter {
  kind?: StoreKind;
  not_after_from: string;
  not_after_until: string;
}

export const endsQuery = (filter: EndFilter) => ({
  ...list(['certificates', 'ends', filter], (page, signal) =>
    take(client.GET('/api/v1/installations', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: 4 * POLL_MS,
});

export const alertSummaryQuery = (filter: { product?: string[] }) =>
  queryOptions({
    queryKey: ['certificates', 'alert-summary', filter],
    queryFn: ({ signal }) =>
      take(client.GET('/api/v1/alerts/summary', { params: { query: filter }, signal })),
    refetchInterval: 2 * POLL_MS,
  });

/** What ends first of all that is not an alert. */
export const nextEndQuery = queryOptions({
  queryKey: ['certificates', 'next-end'],
  queryFn: ({ signal }) =>
    take(
      client.GET('/api/v1/installations', {
        params: { query: { limit: 1, sort: 'not_after', status: ['valid'] } },
        signal,
      }),
    ),
});

/** All clusters that hold a certificate, of one kind of store or of both, page by page (R29). */
export const certificateClustersQuery = (certificateId: string, kind?: StoreKind) =>
  list(['certificates', 'clusters', certificateId, kind], (query, signal) =>
    take(
      client.GET('/api/v1/certificates/{id}/clusters', {
        params: { path: { id: certificateId }, query: { ...query, kind } },
        signal,
      }),
    ),
  );

export const installationQuery = (id: string) =>
  queryOptions({
    queryKey: ['certificates', 'installation', id],
    queryFn: ({ signal }) =>
      take(client.GET('/api/v1/installations/{id}', { params: { path: { id } }, signal })),
    refetchInterval: POLL_MS,
  });

export const historyQuery = (id: string) =>
  list(['certificates', 'history', id], (query, signal) =>
    take(client.GET('/api/v1/installations/{id}/history', { params: { path: { id }, query }, signal })),
  );

export const certificateQuery = (id: string) =>
  queryOptions({
    queryKey: ['certificates', 'one', id],
    queryFn: ({ signal }) =>
      take(client.GET('/api/v1/certificates/{id}', { params: { path: { id } }, signal })),
  });

/** What is said of a certificate now, that it needs no mails. */
export const acknowledgementQuery = (certificateId: string) =>
  queryOptions({
    queryKey: ['certificates', 'acknowledged', certificateId],
    queryFn: ({ signal }) =>
      take(
        client.GET('/api/v1/acknowledgements', {
          params: { query: { certificate_id: certificateId, active: true, limit: 1 } },
          signal,
        }),
      ),
  });

export interface KnownFilter {
  search?: string;
  is_ca?: boolean;
  not_after_from?: string;
  not_after_until?: string;
}

/** All certificates that are known, each once, installed or not. */
export const certificatesQuery = (filter: KnownFilter) => ({
  ...list(['certificates', 'known', filter], (page, signal) =>
    take(client.GET('/api/v1/certificates', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: 4 * POLL_MS,
});

/** What happened where a certificate is installed, newest first. */
export const certificateHistoryQuery = (id: string) =>
  list(['certificates', 'past', id], (query, signal) =>
    take(client.GET('/api/v1/certificates/{id}/history', { params: { path: { id }, query }, signal })),
  );

export const csrsQuery = (filter: { state?: CsrState }) => ({
  ...list(['csrs', 'list', filter], (page, signal) =>
    take(client.GET('/api/v1/csrs', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: 2 * POLL_MS,
});

export const searchQuery = (text: string) =>
  queryOptions({
    queryKey: ['certificates', 'search', text],
    queryFn: ({ signal }) => take(client.GET('/api/v1/search', { params: { query: { q: text } }, signal })),
  });

export const csrQuery = (id: string) =>
  queryOptions({
    queryKey: ['csrs', id],
    queryFn: ({ signal }) => take(client.GET('/api/v1/csrs/{id}', { params: { path: { id } }, signal })),
  });

export const planQuery = (id: string) =>
  queryOptions({
    queryKey: ['plans', id],
    queryFn: ({ signal }) => take(client.GET('/api/v1/plans/{id}', { params: { path: { id } }, signal })),
    staleTime: Infinity,
  });

/** What a plan would touch, page by page; the plan itself holds the first of it. */
export const planTargetsQuery = (id: string) =>
  list(['plans', 'targets', id], (query, signal) =>
    take(client.GET('/api/v1/plans/{id}/targets', { params: { path: { id }, query }, signal })),
  );

export const jobsQuery = (filter: JobFilter) => ({
  ...list(['jobs', 'list', filter], (page, signal) =>
    take(client.GET('/api/v1/jobs', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: POLL_MS,
});

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ['jobs', 'one', id],
    queryFn: ({ signal }) => take(client.GET('/api/v1/jobs/{id}', { params: { path: { id } }, signal })),
  });

export const tasksQuery = (jobId: string) =>
  list(['jobs', 'tasks', jobId], (query, signal) =>
    take(client.GET('/api/v1/jobs/{id}/tasks', { params: { path: { id: jobId }, query }, signal })),
  );

/** What is left to do after a job, cluster by cluster. */
export const aftercareQuery = (jobId: string) =>
  list(['jobs', 'aftercare', jobId], (query, signal) =>
    take(client.GET('/api/v1/jobs/{id}/aftercare', { params: { path: { id: jobId }, query }, signal })),
  );

export interface AgentFilter {
  search?: string;
  status?: AgentStatus[];
}

export const agentsQuery = (filter: AgentFilter = {}) => ({
  ...list(['agents', filter], (page, signal) =>
    take(client.GET('/api/v1/agents', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: POLL_MS,
});

/** Marks all that is known of these nouns as old: what is on screen is read again. */
export async function invalidate(queries: QueryClient, ...nouns: Noun[]): Promise<void> {
  await queries.invalidateQueries({ predicate: ({ queryKey }) => nouns.includes(queryKey[0] as Noun) });
}
