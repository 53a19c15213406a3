import { QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError, isNetworkError } from './problem';

const RETRIES = 2;

/** `onSignedOut` runs when any answer says that the session has ended. */
export function makeQueryClient(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (error instanceof ApiError && error.status === 401 && query.queryKey[0] !== 'me') onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        // A refusal is an answer: only what may pass is tried again.
        retry: (count, error) =>
          count < RETRIES && (isNetworkError(error) || (error instanceof ApiError && error.status >= 500)),
        networkMode: 'always',
        staleTime: 2_000,
        refetchOnWindowFocus: true,
      },
      mutations: { networkMode: 'always' },
    },
  });
}
