import { useMemo } from 'react';
import type { CertificateFilter, ListOptions } from '../../api/queries';
import { useRowWalk } from '../../components/Panel';
import { useList } from '../../lib/use-list';
import { useSelection } from '../../lib/use-selection';
import { useView } from '../../lib/view';
import { readSort } from './sort';
import { readStatus } from './StatusFilter';

/** A tab with certificates: its filter and order, its pages, and the row whose panel is open. All of it is in the address. */
export function useCertificates<T>(
  query: (filter: CertificateFilter) => ListOptions<T>,
  rowId: (row: T) => string,
) {
  const [view, change] = useView();
  const status = readStatus(view.status);
  const sort = readSort(view.sort);
  const filter = { search: view.q, status: status && [status], sort };
  const list = useList<T>(query(filter));
  const current = view.cert ?? null;
  const open = (id: string) => change({ cert: id }, { replace: current !== null });
  const ids = useMemo(() => (list.rows ?? []).map(rowId), [list.rows, rowId]);
  useRowWalk(ids, current, open);
  const selection = useSelection(ids, [filter.search, status], current);
  return {
    list,
    filter,
    rowId,
    selection,
    search: view.q ?? '',
    status,
    sort,
    filtered: view.q !== undefined || status !== undefined,
    current,
    row: list.rows?.find((row) => rowId(row) === current),
    doing: view.do,
    open,
    change,
    clear: () => change({ q: undefined, status: undefined }),
  };
}

export type Certificates<T> = ReturnType<typeof useCertificates<T>>;
