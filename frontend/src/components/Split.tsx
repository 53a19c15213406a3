import type { ReactNode } from 'react';

interface SplitProps {
  /** What lies beside the list; nothing: the list has the whole width. */
  panel: ReactNode;
  children: ReactNode;
}

/** A list, and beside it the panel of the open row. */
export function Split({ panel, children }: SplitProps) {
  const open = panel !== null && panel !== undefined && panel !== false;
  return (
    <div className={open ? 'split has-panel' : 'split'}>
      <div className="split-main">{children}</div>
      {panel}
    </div>
  );
}
