import { useDebouncedValue } from '@mantine/hooks';
import { useQueries, type UseQueryOptions } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { ListOptions } from '../api/queries';
import { useList } from './use-list';

const DEBOUNCE_MS = 200;

/** Where a chooser finds its things: as one types, and those that are chosen already by their ids. */
export interface ChoiceSource<T> {
  read: (search: string | undefined) => ListOptions<T>;
  one: (id: string) => unknown;
}

interface Named {
  id: string;
  name: string;
}

/** What can be chosen of a list that may be longer than any page: the server searches, and pages come as they are scrolled to. */
export function useChoice<T extends Named>(source: ChoiceSource<T>, ids: string[]) {
  const [search, setSearch] = useState('');
  const [asked] = useDebouncedValue(search.trim(), DEBOUNCE_MS);
  const list = useList<T>({ ...source.read(asked === '' ? undefined : asked), refetchInterval: undefined });
  const [seen] = useState(() => new Map<string, T>());
  for (const row of list.rows ?? []) seen.set(row.id, row);
  // What is chosen and on no page that was read: by its id.
  const missing = ids.filter((id) => !seen.has(id));
  const found = useQueries({
    queries: missing.map((id) => ({
      ...(source.one(id) as UseQueryOptions<T>),
      refetchInterval: false as const,
      retry: false,
    })),
    combine: (results) => results.flatMap(({ data }) => (data === undefined ? [] : [data])),
  });
  for (const item of found) seen.set(item.id, item);
  const chosen = ids.flatMap((id) => seen.get(id) ?? []);
  const rows = useMemo(() => list.rows ?? [], [list.rows]);
  return {
    /** What the list shows now. */
    rows,
    /** What is chosen, as far as it is known. */
    chosen,
    nameOf: (id: string) => seen.get(id)?.name ?? id.slice(0, 8),
    search,
    setSearch,
    loading: list.loading || list.stale,
    error: list.error,
    retry: list.retry,
    more: list.more,
  };
}

export type Choice<T extends Named> = ReturnType<typeof useChoice<T>>;
