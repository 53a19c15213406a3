import { queryOptions } from '@tanstack/react-query';
import { client, take, takeTagged } from './client';
import { list, POLL_MS } from './queries';

/** Id of the profile that comes with the product: it leaves everything open and is never changed. */
export const BUILT_IN = '00000000-0000-0000-0000-000000000000';

export const profilesQuery = (filter: { search?: string }) =>
  list(['profiles', 'list', filter], (page, signal) =>
    take(client.GET('/api/v1/profiles', { params: { query: { ...filter, ...page } }, signal })),
  );

export const profileQuery = (id: string) =>
  queryOptions({
    queryKey: ['profiles', 'one', id],
    queryFn: ({ signal }) =>
      takeTagged(client.GET('/api/v1/profiles/{id}', { params: { path: { id } }, signal })),
    // A form is being filled in from it: nothing may change under the hands.
    refetchOnWindowFocus: false,
  });

/** What may be chosen for the purposes of a product in a version; empty: the newest. */
export const profileOptionsQuery = (product: string, version: string) =>
  queryOptions({
    queryKey: ['profiles', 'options', product, version],
    queryFn: ({ signal }) =>
      take(
        client.GET('/api/v1/profiles/options', {
          params: { query: { product, version: version === '' ? undefined : version } },
          signal,
        }),
      ),
    staleTime: Infinity,
  });

export interface ComplianceFilter {
  search?: string;
  product?: string[];
  profile?: string[];
  compliant?: boolean;
}

export const complianceQuery = (filter: ComplianceFilter) => ({
  ...list(['profiles', 'compliance', filter], (page, signal) =>
    take(client.GET('/api/v1/compliance', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: 2 * POLL_MS,
});

/** Identity certificates of a cluster that differ from its profile, page by page. */
export const deviationsQuery = (clusterId: string) =>
  list(['certificates', 'deviations', clusterId], (query, signal) =>
    take(
      client.GET('/api/v1/installations', {
        params: { query: { ...query, cluster_id: [clusterId], compliant: false } },
        signal,
      }),
    ),
  );
