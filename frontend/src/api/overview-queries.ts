import { queryOptions } from '@tanstack/react-query';
import { LAST_YEAR, lastYear } from '../lib/time';
import { client, take } from './client';
import { POLL_MS } from './queries';
import type { Cluster, Job, JobStatus } from './types';

/** Rows that a count looks at; beyond them it says "and more". */
const COUNTED = 50;
/** Pages of 200 clusters that the map of the fleet draws. */
const MAP_PAGES = 5;

/** A count by an existing list: exact up to 50, and whether there are more. */
export interface Count {
  count: number;
  more: boolean;
}

const countOf = (page: { items: unknown[]; next?: string | null }): Count => ({
  count: page.items.length,
  more: page.next != null,
});

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => take(client.GET('/api/v1/overview', { signal })),
  refetchInterval: 2 * POLL_MS,
});

export interface FleetMap {
  clusters: Cluster[];
  /** There are more clusters than the map draws. */
  more: boolean;
}

/** The clusters of the fleet by name, for the map. */
export const fleetMapQuery = queryOptions({
  queryKey: ['clusters', 'map'],
  queryFn: async ({ signal }): Promise<FleetMap> => {
    const clusters: Cluster[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAP_PAGES; page += 1) {
      const answer = await take(
        client.GET('/api/v1/clusters', { params: { query: { limit: 200, cursor } }, signal }),
      );
      clusters.push(...answer.items);
      cursor = answer.next ?? undefined;
      if (cursor === undefined) return { clusters, more: false };
    }
    return { clusters, more: true };
  },
  refetchInterval: 4 * POLL_MS,
});

/** How many certificates end on each day of a range of days (`2027-01-31`), `until` not among them. */
export const expiriesQuery = (from: string, until: string) =>
  queryOptions({
    queryKey: ['certificates', 'expiries', from, until],
    queryFn: ({ signal }) =>
      take(client.GET('/api/v1/expiries', { params: { query: { from, until } }, signal })),
    refetchInterval: 6 * POLL_MS,
  });

/** Jobs of a period in these states, this month's where none is named, as the list of jobs shows them. */
export const someJobsQuery = (state: JobStatus[], period?: typeof LAST_YEAR) =>
  queryOptions({
    queryKey: ['jobs', 'some', state, period],
    queryFn: async ({ signal }): Promise<Count & { jobs: Job[] }> => {
      const range = period === undefined ? {} : lastYear();
      const page = await take(
        client.GET('/api/v1/jobs', { params: { query: { ...range, state, limit: COUNTED } }, signal }),
      );
      return { ...countOf(page), jobs: page.items };
    },
    refetchInterval: POLL_MS,
  });

/** What began in another month may be under way still. */
export const ACTIVE: JobStatus[] = ['running', 'waiting'];
export const activeJobsQuery = someJobsQuery(ACTIVE, LAST_YEAR);

export const openCsrCountQuery = queryOptions({
  queryKey: ['csrs', 'count'],
  queryFn: async ({ signal }) =>
    countOf(await take(client.GET('/api/v1/csrs', { params: { query: { limit: COUNTED } }, signal }))),
  refetchInterval: 2 * POLL_MS,
});

export const unreachableCountQuery = queryOptions({
  queryKey: ['clusters', 'unreachable'],
  queryFn: async ({ signal }) =>
    countOf(
      await take(
        client.GET('/api/v1/clusters', {
          params: { query: { status: ['unreachable'], limit: COUNTED } },
          signal,
        }),
      ),
    ),
  refetchInterval: 2 * POLL_MS,
});

export const deviationCountQuery = queryOptions({
  queryKey: ['profiles', 'deviations'],
  queryFn: async ({ signal }) =>
    countOf(
      await take(
        client.GET('/api/v1/compliance', { params: { query: { compliant: false, limit: COUNTED } }, signal }),
      ),
    ),
  refetchInterval: 4 * POLL_MS,
});
