import type { ReactNode } from 'react';
import { Logo } from '../shell/Logo';
import { LanguageMenu, SchemeMenu } from '../shell/Topbar';

interface DoorwayProps {
  title: string;
  lead: string;
  children: ReactNode;
}

/** Frame of the pages before the sign-in. */
export function Doorway({ title, lead, children }: DoorwayProps) {
  return (
    <div className="doorway">
      <header className="doorway-top">
        <Logo />
        <span className="doorway-menus">
          <LanguageMenu />
          <SchemeMenu />
        </span>
      </header>
      <main className="doorway-card">
        <h1>{title}</h1>
        <p>{lead}</p>
        {children}
      </main>
    </div>
  );
}
