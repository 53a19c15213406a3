import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import { http } from '../api/http';
import { meQuery } from '../api/queries';
import type { Me } from '../api/types';

/** Who is signed in. Only for pages behind the sign-in: their route has loaded it. */
export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

const OPERATORS = ['owner', 'admin', 'operator'];
const ADMINS = ['owner', 'admin'];

/** What the role allows. The server decides; a page only hides what would be refused. */
export function usePermissions(): { operate: boolean; administer: boolean } {
  const { role } = useMe();
  return { operate: OPERATORS.includes(role), administer: ADMINS.includes(role) };
}

export function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useCallback(async () => {
    await http.remove('/api/v1/sessions/current');
    await navigate({ to: '/sign-in' });
    client.clear();
  }, [client, navigate]);
}
