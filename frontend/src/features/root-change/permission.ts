import { useMe } from '../../shell/session';

/** Trust reaches beyond groups: a root change is for who may operate in all of them. */
export function useMayChangeRoots(): boolean {
  const me = useMe();
  return me.permissions.includes('operate') && (me.groups ?? null) === null;
}
