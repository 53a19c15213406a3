import { useMutation, useQueryClient } from '@tanstack/react-query';
import { invalidate, type Noun } from '../api/queries';

/** Does something that makes what is known of some nouns old, for a dialog that asks before: spread what it answers into `ConfirmDialog`. */
export function useAct(act: () => Promise<unknown>, nouns: Noun[], onDone: () => void | Promise<void>) {
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation({
    mutationFn: act,
    onSuccess: async () => {
      // First away from what is gone, then read anew.
      await onDone();
      await invalidate(queries, ...nouns);
    },
  });
  return { busy: isPending, error, onAct: () => mutate() };
}
