import { useMemo } from 'react';
import { alertsQuery } from '../../api/queries';
import type { AlertStatus, Installation, StoreKind } from '../../api/types';
import { useRowWalk } from '../../components/Panel';
import { joinList, splitList } from '../../lib/search';
import { useList } from '../../lib/use-list';
import { useSelection } from '../../lib/use-selection';
import { useView } from '../../lib/view';
import { readSort } from '../cluster/sort';

export const KINDS: StoreKind[] = ['identity', 'trust'];
export const ALERT_STATUSES: AlertStatus[] = ['expired', 'expiring'];

const PANEL_PARTS = ['csr', 'history'];

/** The alerts as the address holds them: filters, order, pages, and the row whose panel is open. */
export function useAlerts() {
  const [view, change] = useView();
  const kind = KINDS.find((name) => name === view.kind);
  const status = ALERT_STATUSES.find((name) => name === view.status);
  const certificates = useMemo(() => splitList(view.certificate), [view.certificate]);
  const products = useMemo(() => splitList(view.product), [view.product]);
  const filter = {
    search: view.q,
    certificate: certificates,
    product: products,
    status: status && [status],
    kind,
    sort: readSort(view.sort),
  };
  const list = useList<Installation>(alertsQuery(filter));
  const current = view.cert ?? null;
  const open = (id: string) => change({ cert: id }, { replace: current !== null });
  const ids = useMemo(() => (list.rows ?? []).map((row) => row.id), [list.rows]);
  useRowWalk(ids, current, open);
  const selection = useSelection(ids, { ...filter, sort: undefined }, current);
  // A part of the panel closes with it; what lies over the page stays.
  const left = PANEL_PARTS.includes(view.do ?? '') ? undefined : view.do;
  return {
    list,
    selection,
    filter,
    search: view.q ?? '',
    kind,
    status,
    certificates,
    products,
    filtered:
      [view.q, kind, status].some((part) => part !== undefined) ||
      certificates.length > 0 ||
      products.length > 0,
    current,
    row: list.rows?.find((row) => row.id === current),
    open,
    close: () => change({ cert: undefined, do: left }),
    change,
    setCertificates: (values: string[]) => change({ certificate: joinList(values) }),
    setProducts: (values: string[]) => change({ product: joinList(values) }),
    clear: () =>
      change({
        q: undefined,
        kind: undefined,
        status: undefined,
        certificate: undefined,
        product: undefined,
      }),
  };
}

export type Alerts = ReturnType<typeof useAlerts>;
