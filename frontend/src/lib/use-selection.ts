import { useCallback, useEffect, useMemo, useState } from 'react';
import { useShortcut } from './shortcuts';

/** Rows that are chosen for something, or all that the filter matches, on screen or not. Another filter begins anew. */
export function useSelection(rows: string[], filter: unknown, current: string | null) {
  const key = JSON.stringify(filter);
  const [state, setState] = useState({ key, ids: [] as string[], all: false });
  const none = useMemo(() => ({ key, ids: [] as string[], all: false }), [key]);
  const { ids, all } = state.key === key ? state : none;
  useEffect(() => setState((old) => (old.key === key ? old : none)), [key, none]);
  const toggle = useCallback(
    (id: string) =>
      setState((old) => {
        const had = old.key === key ? old.ids : [];
        return { key, all: false, ids: had.includes(id) ? had.filter((item) => item !== id) : [...had, id] };
      }),
    [key],
  );
  // The open row, else the one that has the focus.
  useShortcut('x', () => {
    const focused = document.activeElement?.closest<HTMLElement>('tr[data-row]')?.dataset.row;
    const id = current ?? focused;
    if (id !== undefined && rows.includes(id)) toggle(id);
  });
  const chosen = useMemo(() => new Set(all ? rows : ids), [all, rows, ids]);
  return {
    /** The chosen ones; with `all` those of them that are on screen. */
    chosen,
    all,
    count: ids.length,
    shown: rows.length,
    toggle,
    toggleShown: () => setState({ key, all: false, ids: rows.every((id) => chosen.has(id)) ? [] : rows }),
    selectShown: () => setState({ key, all: false, ids: rows }),
    selectAll: () => setState({ key, all: true, ids: [] }),
    clear: () => setState(none),
  };
}

export type Selection = ReturnType<typeof useSelection>;
