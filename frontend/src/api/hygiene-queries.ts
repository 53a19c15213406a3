import { queryOptions } from '@tanstack/react-query';
import { client, take } from './client';
import { list, POLL_MS } from './queries';
import type { ClutterReason } from './types';

/** What should not stay in trust stores: for any of the reasons, in any of the places. */
export interface ClutterFilter {
  search?: string;
  reason?: ClutterReason[];
  product?: string;
  cluster_id?: string[];
  group?: string[];
  store?: string[];
}

export const clutterQuery = (filter: ClutterFilter) => ({
  ...list(['certificates', 'clutter', filter], (page, signal) =>
    take(client.GET('/api/v1/trust-hygiene', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: 4 * POLL_MS,
});

/** What left trust stores, or with `restored` what was put back. */
export interface KeptFilter {
  search?: string;
  restored?: boolean;
  cluster_id?: string[];
  group?: string[];
  store?: string[];
  certificate_id?: string;
  job_id?: string;
}

export const keptQuery = (filter: KeptFilter) => ({
  ...list(['certificates', 'kept', filter], (page, signal) =>
    take(client.GET('/api/v1/quarantine', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: 2 * POLL_MS,
});

export interface ServerOnlyFilter {
  search?: string;
  product?: string[];
  cluster_id?: string[];
  group?: string[];
  purpose?: string[];
}

export const serverOnlyQuery = (filter: ServerOnlyFilter) => ({
  ...list(['certificates', 'server-only', filter], (page, signal) =>
    take(
      client.GET('/api/v1/server-only-certificates', { params: { query: { ...filter, ...page } }, signal }),
    ),
  ),
  refetchInterval: 6 * POLL_MS,
});

/** What is told of one certificate: why it clutters trust stores, and where it is shown by clients although it is for servers. */
export const clutterOfQuery = (sha256: string) =>
  queryOptions({
    queryKey: ['certificates', 'clutter-of', sha256],
    queryFn: ({ signal }) =>
      take(client.GET('/api/v1/trust-hygiene', { params: { query: { search: sha256, limit: 1 } }, signal })),
  });

export const serverOnlyOfQuery = (sha256: string) =>
  queryOptions({
    queryKey: ['certificates', 'server-only-of', sha256],
    queryFn: ({ signal }) =>
      take(client.GET('/api/v1/server-only-certificates', { params: { query: { search: sha256 } }, signal })),
  });

/** Whether copies of a certificate are kept that left trust stores. */
export const keptOfQuery = (filter: Pick<KeptFilter, 'certificate_id' | 'job_id'>) =>
  queryOptions({
    queryKey: ['certificates', 'kept-of', filter],
    queryFn: ({ signal }) =>
      take(client.GET('/api/v1/quarantine', { params: { query: { ...filter, limit: 1 } }, signal })),
  });
