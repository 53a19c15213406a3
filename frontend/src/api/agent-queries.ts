import { queryOptions } from '@tanstack/react-query';
import { client, take } from './client';
import { list, POLL_MS } from './queries';

export const agentQuery = (id: string) =>
  queryOptions({
    queryKey: ['agents', 'one', id],
    queryFn: ({ signal }) => take(client.GET('/api/v1/agents/{id}', { params: { path: { id } }, signal })),
    refetchInterval: POLL_MS,
  });

/** The nodes that an agent works for. */
export const agentNodesQuery = (agentId: string) => ({
  ...list(['agents', 'nodes', agentId], (page, signal) =>
    take(client.GET('/api/v1/nodes', { params: { query: { agent_id: agentId, ...page } }, signal })),
  ),
  refetchInterval: 2 * POLL_MS,
});

export const joinTokensQuery = () => ({
  ...list(['agents', 'join-tokens'], (query, signal) =>
    take(client.GET('/api/v1/join-tokens', { params: { query }, signal })),
  ),
  refetchInterval: 2 * POLL_MS,
});
