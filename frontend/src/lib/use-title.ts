import { useEffect } from 'react';

/** Names the browser's tab after what is on the page; undefined leaves the name as it is. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    if (title !== undefined) document.title = `${title} · Certyard`;
  }, [title]);
}
