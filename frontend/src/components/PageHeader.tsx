import type { ReactNode } from 'react';
import { useTitle } from '../lib/use-title';

interface PageHeaderProps {
  title: string;
  /** The way back, over the title. */
  above?: ReactNode;
  sub?: ReactNode;
  actions?: ReactNode;
  mark?: ReactNode;
}

/** Title of a page; it names the browser tab, too. */
export function PageHeader({ title, above, sub, actions, mark }: PageHeaderProps) {
  useTitle(title);
  return (
    <header className="page-header">
      <div className="page-heading">
        {above}
        <h1>
          {title}
          {mark}
        </h1>
        {sub !== undefined && <div className="page-sub">{sub}</div>}
      </div>
      {actions !== undefined && <div className="page-actions">{actions}</div>}
    </header>
  );
}
