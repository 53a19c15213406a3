import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Selection } from '../lib/use-selection';

interface BulkBarProps {
  selection: Selection;
  /** How many match in all, where it is known. */
  total?: number;
  /** Rows beyond those on screen match, too. */
  more: boolean;
  /** Why what matches cannot be meant as a whole; undefined: it can. */
  noAll?: string;
  children: ReactNode;
}

/** Stands in the place of the filters while rows are chosen: how many, and what can be done with them. */
export function BulkBar({ selection, total, more, noAll, children }: BulkBarProps) {
  const { t } = useTranslation();
  const { all, count } = selection;
  const known = more ? total : selection.shown;
  // Where all that match are on screen, they can be meant one by one.
  const refused = noAll !== undefined && more;
  return (
    <div className="filters bulk-bar" role="region" aria-label={t('bulk.bar')}>
      <Tooltip label={t('bulk.clear')}>
        <ActionIcon aria-label={t('bulk.clear')} onClick={selection.clear}>
          <IconX size={18} aria-hidden />
        </ActionIcon>
      </Tooltip>
      <strong role="status">{all ? t('bulk.all_selected') : t('bulk.selected', { count })}</strong>
      {!all && (more || count < selection.shown) && (
        <Tooltip label={noAll} disabled={!refused}>
          <Button
            variant="subtle"
            size="compact-sm"
            aria-disabled={refused}
            data-disabled={refused || undefined}
            onClick={() => {
              if (noAll === undefined) selection.selectAll();
              else if (!refused) selection.selectShown();
            }}
          >
            {known === undefined ? t('bulk.select_every') : t('bulk.select_all', { count: known })}
          </Button>
        </Tooltip>
      )}
      <div className="filters-end">{children}</div>
    </div>
  );
}
