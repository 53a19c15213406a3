import { queryOptions } from '@tanstack/react-query';
import { client, take, takeTagged } from './client';
import { list, POLL_MS } from './queries';
import type { CoverageState, IdentityState, RootChangeState } from './types';

export interface RootChangeFilter {
  search?: string;
  state?: RootChangeState[];
}

export const rootChangesQuery = (filter: RootChangeFilter) => ({
  ...list(['root-changes', 'list', filter], (page, signal) =>
    take(client.GET('/api/v1/root-changes', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: 4 * POLL_MS,
});

export const readRootChange = (id: string, signal?: AbortSignal) =>
  takeTagged(client.GET('/api/v1/root-changes/{id}', { params: { path: { id } }, signal }));

/** How far a root change is: its numbers are those of the inventory, and move with it. */
export const rootChangeQuery = (id: string) =>
  queryOptions({
    queryKey: ['root-changes', 'one', id],
    queryFn: ({ signal }) => readRootChange(id, signal),
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.data.state === 'open' ? 2 * POLL_MS : false),
  });

export interface CoverageFilter {
  state?: CoverageState[];
  cluster_id?: string[];
}

export const coverageQuery = (id: string, filter: CoverageFilter) => ({
  ...list(['root-changes', 'coverage', id, filter], (page, signal) =>
    take(
      client.GET('/api/v1/root-changes/{id}/coverage', {
        params: { path: { id }, query: { ...filter, ...page } },
        signal,
      }),
    ),
  ),
  refetchInterval: 2 * POLL_MS,
});

export interface IdentityFilter {
  state?: IdentityState[];
  cluster_id?: string[];
}

export const identitiesQuery = (id: string, filter: IdentityFilter) => ({
  ...list(['root-changes', 'identities', id, filter], (page, signal) =>
    take(
      client.GET('/api/v1/root-changes/{id}/identities', {
        params: { path: { id }, query: { ...filter, ...page } },
        signal,
      }),
    ),
  ),
  refetchInterval: 2 * POLL_MS,
});
