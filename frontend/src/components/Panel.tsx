import { ActionIcon, Tooltip } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useEffect, useId, useRef, type ReactNode, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { useShortcut } from '../lib/shortcuts';
import { Lines, LoadError } from './States';

interface PanelProps {
  /** Drawn over the title: status. */
  mark: ReactNode;
  title: string;
  sub: ReactNode;
  onClose: () => void;
  /** The row that the panel belongs to: focus goes back there when it closes. */
  rowId: string;
  children: ReactNode;
  areaRef?: RefObject<HTMLElement | null>;
}

/** The side panel: not modal, the list beside it stays in use. Esc closes it and gives the focus back to its row. */
export function Panel({ mark, title, sub, onClose, rowId, children, areaRef }: PanelProps) {
  const { t } = useTranslation();
  const heading = useId();
  const own = useRef<HTMLElement>(null);
  const area = areaRef ?? own;
  const close = () => {
    onClose();
    focusRow(rowId);
  };
  useShortcut('Escape', close);
  useEffect(() => {
    area.current?.querySelector('.panel-body')?.scrollTo({ top: 0 });
  }, [area, rowId]);
  return (
    <section className="panel" aria-labelledby={heading} ref={area} tabIndex={-1}>
      <div className="panel-head">
        <div className="panel-mark">
          {mark}
          <Tooltip label={`${t('act.close')} (Esc)`}>
            <ActionIcon aria-label={t('act.close')} size="lg" onClick={close}>
              <IconX size={20} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </div>
        <h2 id={heading}>{title}</h2>
        <div className="panel-sub">{sub}</div>
      </div>
      <div className="panel-body">{children}</div>
    </section>
  );
}

/** What stands in a panel while its thing is read, and where it cannot be. */
export function PanelWait({ error, retry }: { error: unknown; retry: () => void }) {
  return (
    <div className="panel-section">
      {error === null ? <Lines count={8} /> : <LoadError error={error} retry={retry} />}
    </div>
  );
}

/** Puts the focus on the link or button of a row; on the content of the page where the row is not on screen. */
export function focusRow(rowId: string): void {
  requestAnimationFrame(() => {
    const row = document.querySelector<HTMLElement>(`[data-row="${CSS.escape(rowId)}"]`);
    const target = row?.querySelector<HTMLElement>('a, button:not(.row-menu)');
    (target ?? document.getElementById('main'))?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: 'nearest' });
  });
}

/** J and K walk through the rows of a list and open the panel of each. */
export function useRowWalk(ids: string[], current: string | null, open: (id: string) => void): void {
  const step = (by: number) => {
    if (ids.length === 0) return;
    const at = current === null ? (by > 0 ? -1 : ids.length) : ids.indexOf(current);
    const next = ids[Math.min(ids.length - 1, Math.max(0, at + by))];
    if (next === undefined) return;
    open(next);
    focusRow(next);
  };
  useShortcut('j', () => step(1));
  useShortcut('k', () => step(-1));
}
