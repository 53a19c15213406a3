import { useEffect } from 'react';

const COVERS = '[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]';

/** Whether one of these nodes is, or holds, something that lay over the page. */
function wasCover(nodes: NodeList): boolean {
  return [...nodes].some(
    (node) => node instanceof Element && (node.matches(COVERS) || node.querySelector(COVERS) !== null),
  );
}

/**
 * Gives the focus back to where it was before a dialog or menu opened. A dialog that a menu opened would give it to an item of that
 * menu, which is gone by then; where the thing itself is gone, the content of the page gets it.
 */
export function useFocusReturn(): void {
  useEffect(() => {
    let anchor: HTMLElement | null = null;
    const onFocus = ({ target }: FocusEvent) => {
      if (target instanceof HTMLElement && target.closest(COVERS) === null) anchor = target;
    };
    const observer = new MutationObserver((records) => {
      if (document.activeElement !== document.body && document.activeElement !== null) return;
      if (!records.some(({ removedNodes }) => wasCover(removedNodes))) return;
      const home = anchor?.isConnected === true ? anchor : document.getElementById('main');
      home?.focus();
    });
    document.addEventListener('focusin', onFocus);
    observer.observe(document.body, { childList: true, subtree: true });
    return () => {
      document.removeEventListener('focusin', onFocus);
      observer.disconnect();
    };
  }, []);
}
