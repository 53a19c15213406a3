import { useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { isNetworkError } from '../api/problem';

/** Since when (ms) the server could not be asked, as the newest answers of all queries tell; null while it can. */
export function useOfflineSince(): number | null {
  const cache = useQueryClient().getQueryCache();
  const read = () => {
    let failed = 0;
    let answered = 0;
    for (const { state } of cache.getAll()) {
      answered = Math.max(answered, state.dataUpdatedAt);
      if (isNetworkError(state.error ?? state.fetchFailureReason)) {
        failed = Math.max(failed, state.errorUpdatedAt, state.dataUpdatedAt);
      }
    }
    return failed > 0 && failed >= answered ? failed : null;
  };
  return useSyncExternalStore((listener) => cache.subscribe(listener), read);
}
