import { useEffect, useRef } from 'react';

/** Whether the key belongs to a field that is being written in. */
function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

const COVERS = '[role="dialog"][aria-modal="true"], [role="menu"], [role="listbox"]';

/** Whether something modal lies over the page: its own keys count then, not those of the page. Closed lists stay in the document, hidden. */
function isCovered(): boolean {
  return [...document.querySelectorAll(COVERS)].some((element) => element.checkVisibility());
}

/** Runs `action` on a key pressed anywhere on the page but in a field or a dialog. */
export function useShortcut(key: string, action: () => void, enabled = true): void {
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    if (!enabled) return undefined;
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== key.toLowerCase()) return;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isCovered() || (key !== 'Escape' && isWriting(event.target))) return;
      event.preventDefault();
      latest.current();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [key, enabled]);
}
