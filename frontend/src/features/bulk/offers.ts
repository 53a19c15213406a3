import type { CreatePlan, Installation } from '../../api/types';

export type ActionName = CreatePlan['action'];
export type PlanFilter = NonNullable<CreatePlan['filter']>;

/** What can be done with many identity certificates at once, the most usual first. */
export const BULK_ACTIONS: ActionName[] = [
  'renew',
  'generate_csr',
  'reuse_tomcat',
  'restart',
  'refresh',
  'delete_csr',
];

export interface Offer {
  action: ActionName;
  /** Of the chosen ones, those with which it can be done. */
  ids: string[];
  /** Why it can be done with none of them. */
  reason?: string;
}

/** For each action those of the chosen rows that allow it. */
export function offersOf(rows: Installation[]): Offer[] {
  return BULK_ACTIONS.map((action) => {
    const found = rows.map((row) => ({
      id: row.id,
      offer: row.actions.find((item) => item.action === action),
    }));
    const ids = found.filter(({ offer }) => offer?.allowed === true).map(({ id }) => id);
    return {
      action,
      ids,
      reason: found.find(({ offer }) => offer?.reason != null)?.offer?.reason ?? undefined,
    };
  });
}

interface ListFilter {
  search?: string;
  status?: string[];
  kind?: string;
  product?: string[];
  certificate?: string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The filter of a list of identity certificates as a plan takes it; null where a plan cannot mean the same. `alerts`: the list has
 * only what has expired or ends within the days of the organisation.
 */
export function planFilterOf(
  { search, status = [], kind, product = [], certificate = [] }: ListFilter,
  within: { clusterId?: string; alerts?: { days: number } },
  now: number,
): PlanFilter | null {
  if (search !== undefined || product.length > 1 || certificate.length > 1) return null;
  if (within.clusterId === undefined && kind !== 'identity') return null;
  // What expires soon has a begin as well, which plans do not know.
  if (status.some((name) => name !== 'expired')) return null;
  const ends =
    status.length > 0 ? now : within.alerts === undefined ? undefined : now + within.alerts.days * DAY_MS;
  return {
    cluster_ids: within.clusterId === undefined ? [] : [within.clusterId],
    product: product[0] ?? null,
    purpose: certificate[0] ?? null,
    not_after_before: ends === undefined ? null : new Date(ends).toISOString(),
  };
}
