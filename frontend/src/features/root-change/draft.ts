import type { RootChange, RootChangeScope } from '../../api/types';

/** In which clusters, as a form holds it: nothing chosen is all of them. */
export interface Within {
  cluster_ids: string[];
  group_ids: string[];
  product: string | null;
}

/** What can be changed of a root change that is open. */
export interface Draft {
  name: string;
  note: string;
  scope: Within;
  [field: string]: unknown;
}

export const EVERYWHERE: Within = { cluster_ids: [], group_ids: [], product: null };

/** Sorted: the order in which things were chosen is no difference. */
export function withinOf(scope: RootChangeScope): Within {
  return {
    cluster_ids: [...(scope.cluster_ids ?? [])].sort(),
    group_ids: [...(scope.group_ids ?? [])].sort(),
    product: scope.product ?? null,
  };
}

export function draftOf({ name, note, scope }: Pick<RootChange, 'name' | 'note' | 'scope'>): Draft {
  return { name, note, scope: withinOf(scope) };
}
