import { queryOptions } from '@tanstack/react-query';
import { client, take, takeTagged } from './client';
import { list, POLL_MS } from './queries';
import type { Message, MessageKind, MessageState, SetNotificationRule } from './types';

export const notificationSettingsQuery = queryOptions({
  queryKey: ['settings', 'notifications'],
  queryFn: ({ signal }) => takeTagged(client.GET('/api/v1/settings/notifications', { signal })),
  // A form is being filled in from it: nothing may change under the hands.
  refetchOnWindowFocus: false,
  staleTime: 0,
});

export const mailSettingsQuery = queryOptions({
  queryKey: ['settings', 'mail'],
  queryFn: ({ signal }) => takeTagged(client.GET('/api/v1/settings/mail', { signal })),
  refetchOnWindowFocus: false,
  staleTime: 0,
});

export const mailPreviewQuery = (language: string) =>
  queryOptions({
    queryKey: ['settings', 'preview', language],
    queryFn: ({ signal }) =>
      take(client.GET('/api/v1/settings/notifications/preview', { params: { query: { language } }, signal })),
  });

export const feedsQuery = queryOptions({
  queryKey: ['settings', 'feeds'],
  queryFn: ({ signal }) => take(client.GET('/api/v1/feeds', { signal })),
});

export const sessionsQuery = queryOptions({
  queryKey: ['settings', 'sessions'],
  queryFn: ({ signal }) => take(client.GET('/api/v1/sessions', { signal })),
});

export const channelsQuery = queryOptions({
  queryKey: ['settings', 'channels'],
  queryFn: ({ signal }) => take(client.GET('/api/v1/channels', { signal })),
  refetchInterval: 4 * POLL_MS,
});

/** All rules: there are at most 50. */
export const rulesQuery = queryOptions({
  queryKey: ['settings', 'rules'],
  queryFn: ({ signal }) => take(client.GET('/api/v1/settings/notifications/rules', { signal })),
});

export const readRule = (id: string, signal?: AbortSignal) =>
  takeTagged(client.GET('/api/v1/settings/notifications/rules/{id}', { params: { path: { id } }, signal }));

export const ruleQuery = (id: string) =>
  queryOptions({
    queryKey: ['settings', 'rule', id],
    queryFn: ({ signal }) => readRule(id, signal),
    // A form is being filled in from it: always from what is stored now, and nothing may change under the hands.
    refetchOnWindowFocus: false,
    staleTime: 0,
    gcTime: 0,
  });

/** What a rule would tell; it is stored nowhere. */
export const rulePreviewQuery = (body: SetNotificationRule) =>
  queryOptions({
    queryKey: ['certificates', 'rule-preview', body],
    queryFn: ({ signal }) =>
      take(client.POST('/api/v1/settings/notifications/rules/preview', { body, signal })),
    gcTime: 60_000,
    retry: false,
  });

/** The last message that a channel was to get. */
export const lastCallQuery = (channelId: string) =>
  queryOptions({
    queryKey: ['messages', 'last', channelId],
    queryFn: ({ signal }) =>
      take(
        client.GET('/api/v1/messages', { params: { query: { channel_id: channelId, limit: 1 } }, signal }),
      ),
    refetchInterval: 4 * POLL_MS,
  });

export interface MessageFilter {
  state?: MessageState;
  about?: Message['about'];
  recipient?: string;
  channel_id?: string;
  kind?: MessageKind;
  rule_id?: string;
  from?: string;
  to?: string;
}

export const messagesQuery = (filter: MessageFilter) => ({
  ...list(['messages', 'list', filter], (page, signal) =>
    take(client.GET('/api/v1/messages', { params: { query: { ...filter, ...page } }, signal })),
  ),
  refetchInterval: 2 * POLL_MS,
});

export const messageQuery = (id: string) =>
  queryOptions({
    queryKey: ['messages', 'one', id],
    queryFn: ({ signal }) => take(client.GET('/api/v1/messages/{id}', { params: { path: { id } }, signal })),
    refetchInterval: 2 * POLL_MS,
  });

/** Who was told of a certificate, page by page. */
export const certificateMessagesQuery = (id: string) =>
  list(['messages', 'certificate', id], (query, signal) =>
    take(client.GET('/api/v1/certificates/{id}/messages', { params: { path: { id }, query }, signal })),
  );
