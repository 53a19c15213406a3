/** What choosers choose from. */
import type { ChoiceSource } from '../lib/use-choice';
import { agentQuery } from './agent-queries';
import { client, take } from './client';
import { agentsQuery, clusterQuery, clustersQuery, list } from './queries';
import { queryOptions } from '@tanstack/react-query';
import type { Agent, Cluster, Group, Profile } from './types';

export const CLUSTERS: ChoiceSource<Cluster> = {
  read: (search) => clustersQuery({ search }),
  one: clusterQuery,
};

export const GROUPS: ChoiceSource<Group> = {
  read: (search) =>
    list(['groups', 'list', search], (query, signal) =>
      take(client.GET('/api/v1/groups', { params: { query: { ...query, search } }, signal })),
    ),
  one: (id) =>
    queryOptions({
      queryKey: ['groups', 'one', id],
      queryFn: ({ signal }) => take(client.GET('/api/v1/groups/{id}', { params: { path: { id } }, signal })),
    }),
};

export const PROFILES: ChoiceSource<Profile> = {
  read: (search) =>
    list(['profiles', 'list', { search }], (query, signal) =>
      take(client.GET('/api/v1/profiles', { params: { query: { ...query, search } }, signal })),
    ),
  one: (id) =>
    queryOptions({
      queryKey: ['profiles', 'named', id],
      queryFn: ({ signal }) =>
        take(client.GET('/api/v1/profiles/{id}', { params: { path: { id } }, signal })),
    }),
};

export const AGENTS: ChoiceSource<Agent> = {
  read: (search) => agentsQuery({ search }),
  one: agentQuery,
};

/** A certificate of a CA, as a chooser names it. */
export interface IssuerChoice {
  id: string;
  name: string;
}

export const ISSUERS: ChoiceSource<IssuerChoice> = {
  read: (search) =>
    list(['certificates', 'issuers', search], async (query, signal) => {
      const page = await take(
        client.GET('/api/v1/certificates', { params: { query: { ...query, search, is_ca: true } }, signal }),
      );
      return { ...page, items: page.items.map(issuerChoice) };
    }),
  one: (id) =>
    queryOptions({
      queryKey: ['certificates', 'issuer', id],
      queryFn: async ({ signal }) =>
        issuerChoice(
          await take(client.GET('/api/v1/certificates/{id}', { params: { path: { id } }, signal })),
        ),
    }),
};

const issuerChoice = (row: { id: string; common_name?: string | null; issuer: string }): IssuerChoice => ({
  id: row.id,
  name: row.common_name || row.issuer,
});
