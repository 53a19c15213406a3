import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import type { ListOptions } from '../api/queries';

/** A list with its pages joined, as tables take it. While a new filter loads, the last rows stay. */
export function useList<T>(options: ListOptions<T>, enabled = true) {
  const query = useInfiniteQuery({ ...options, enabled, placeholderData: keepPreviousData });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  return {
    rows,
    loading: query.isPending,
    stale: query.isPlaceholderData || (query.isError && rows !== undefined),
    error: query.error,
    retry: () => void query.refetch(),
    more: {
      has: query.hasNextPage,
      loading: query.isFetchingNextPage,
      load: () => void query.fetchNextPage(),
    },
  };
}

/** So many rows are looked through for one that an address names. */
const MOST_LOOKED_THROUGH = 2_000;

/** The row that an address names. Where the pages read so far do not have it, the next ones are read, until it is found. */
export function useRow<T>(
  { rows, more }: Pick<ReturnType<typeof useList<T>>, 'rows' | 'more'>,
  id: string | null,
  idOf: (row: T) => string,
): T | undefined {
  const row = id === null ? undefined : rows?.find((item) => idOf(item) === id);
  const missing = id !== null && rows !== undefined && row === undefined;
  const go = missing && more.has && !more.loading && rows.length < MOST_LOOKED_THROUGH;
  const { load } = more;
  useEffect(() => {
    if (go) load();
    // One page at a time: the next one when this one has come.
  }, [go, rows?.length]);
  return row;
}

/** A list whose first pages may be empty although more follows: they are read on until a row comes, and until then it is loading. */
export function useFirstRows<T>(list: ReturnType<typeof useList<T>>): ReturnType<typeof useList<T>> {
  const { rows, more, error } = list;
  const waits = rows?.length === 0 && more.has && error === null;
  const go = waits && !more.loading;
  const { load } = more;
  useEffect(() => {
    if (go) load();
  }, [go]);
  return waits ? { ...list, loading: true } : list;
}
