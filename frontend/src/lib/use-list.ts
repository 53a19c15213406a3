import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { ListOptions } from '../api/queries';

/** A list with its pages joined, as tables take it. While a new filter loads, the last rows stay. */
export function useList<T>(options: ListOptions<T>) {
  const query = useInfiniteQuery({ ...options, placeholderData: keepPreviousData });
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
