import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { Search } from './search';

/** The view as the address holds it, and the way to change a part of it. `undefined` takes a part out. */
export function useView(): [Search, (change: Search, options?: { replace?: boolean }) => void] {
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as Search;
  const change = useCallback(
    (part: Search, options: { replace?: boolean } = {}) => {
      void navigate({
        to: '.',
        search: ((old: Search) => ({ ...old, ...part })) as never,
        replace: options.replace ?? false,
        resetScroll: false,
      });
    },
    [navigate],
  );
  return [search, change];
}
