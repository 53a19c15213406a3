import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { openStream, type StreamState } from '../../api/event-stream';
import { jobQuery, tasksQuery } from '../../api/queries';
import type { Task } from '../../api/types';
import { useList } from '../../lib/use-list';
import { isOver } from './progress';

const POLL_MS = 2_000;

/** A job and its tasks, kept fresh: by server-sent events, by polling where these do not come through. */
export function useLiveJob(id: string) {
  const client = useQueryClient();
  const [stream, setStream] = useState<StreamState>('connecting');
  const job = useQuery({
    ...jobQuery(id),
    refetchInterval: (query) => {
      const data = query.state.data;
      return stream === 'live' || (data !== undefined && isOver(data)) ? false : POLL_MS;
    },
  });
  const tasks = useList<Task>(tasksQuery(id));
  const over = job.data !== undefined && isOver(job.data);
  const loaded = job.data !== undefined;

  useEffect(() => {
    if (!loaded || over) return undefined;
    const { close } = openStream(`/api/v1/jobs/${id}/events`, {
      onState: (state) => {
        setStream(state);
        // A stream that is answered shows that the server is there: what failed meanwhile is asked again.
        if (state === 'live')
          void client.invalidateQueries({
            predicate: ({ state: { errorUpdateCount, fetchFailureCount } }) =>
              errorUpdateCount > 0 || fetchFailureCount > 0,
          });
      },
      onEvent: () => {
        void client.invalidateQueries({ queryKey: jobQuery(id).queryKey });
        void client.invalidateQueries({ queryKey: tasksQuery(id).queryKey });
      },
    });
    return () => {
      close();
      setStream('connecting');
    };
  }, [client, id, loaded, over]);

  // The tasks follow the job: while polling, and once more when it is over.
  const updatedAt = job.dataUpdatedAt;
  useEffect(() => {
    if (updatedAt > 0) void client.invalidateQueries({ queryKey: tasksQuery(id).queryKey });
  }, [client, id, updatedAt, over]);

  return { job, tasks, stream, over };
}
