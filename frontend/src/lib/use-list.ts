import { useInfiniteQuery, type UseInfiniteQueryOptions, type InfiniteData } from '@tanstack/react-query';
import { keepPreviousData } from '@tanstack/react-query';
import { useMemo } from 'react';

interface ListPage<T> {
  items: T[];
  next?: string | null;
}

type ListOptions<T> = UseInfiniteQueryOptions<
  ListPage<T>,
  Error,
  InfiniteData<ListPage<T>, string | null>,
  readonly unknown[],
  string | null
>;

/** A list with its pages joined, as tables take it. While a new filter loads, the last rows stay. */
export function useList<T>(options: unknown) {
  const query = useInfiniteQuery({
    ...(options as ListOptions<T>),
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  return {
    rows,
    loading: query.isPending,
    stale: query.isPlaceholderData || (query.isError && rows !== undefined),
    error: query.error,
    retry: () => void query.refetch(),
    updatedAt: query.dataUpdatedAt,
    more: {
      has: query.hasNextPage,
      loading: query.isFetchingNextPage,
      load: () => void query.fetchNextPage(),
    },
  };
}
