import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import { client } from '../api/client';
import { meQuery } from '../api/queries';
import type { Me } from '../api/types';

/** Who is signed in. Only for pages behind the sign-in: their route has loaded it. */
export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

/** What the role allows. The server decides; a page only hides what would be refused. */
export function usePermissions(): { operate: boolean; administer: boolean } {
  const { permissions } = useMe();
  return { operate: permissions.includes('operate'), administer: permissions.includes('manage_fleet') };
}

export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useCallback(async () => {
    await client.DELETE('/api/v1/sessions/current');
    await navigate({ to: '/sign-in' });
    queries.clear();
  }, [queries, navigate]);
}
