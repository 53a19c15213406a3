import { client, take } from './client';
import { list } from './queries';

export const membersQuery = () =>
  list(['people', 'members'], (query, signal) =>
    take(client.GET('/api/v1/members', { params: { query }, signal })),
  );

export const tokensQuery = () =>
  list(['people', 'tokens'], (query, signal) =>
    take(client.GET('/api/v1/tokens', { params: { query }, signal })),
  );

export interface AuditFilter {
  action?: string;
  object_kind?: string;
  object_id?: string;
  actor_id?: string;
  from?: string;
  to?: string;
}

export const auditQuery = (filter: AuditFilter) =>
  list(['audit', filter], (page, signal) =>
    take(client.GET('/api/v1/audit', { params: { query: { ...filter, ...page } }, signal })),
  );
