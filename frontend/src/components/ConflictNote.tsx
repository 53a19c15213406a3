import '../features/profile/differences.css';
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconGitMerge } from '@tabler/icons-react';
import { useId, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Tagged } from '../api/client';
import { ApiError } from '../api/problem';
import { conflictsOf, mergeFields } from '../lib/merge';
import { valueText } from '../lib/value-text';
import { Lines, LoadError } from './States';

/** Whether an edit was refused because somebody else had stored one meanwhile. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 412;
}

interface ConflictNoteProps<T extends Record<string, unknown>> {
  /** What the form was filled in from, and what stands in it now. */
  base: T;
  mine: T;
  /** Reads what is stored now. */
  read: () => Promise<Tagged<T>>;
  label: (field: string) => string;
  /** A value as the form would show it, where its JSON says too little. */
  show?: (field: string, value: unknown) => ReactNode;
  busy: boolean;
  onTheirs: () => void;
  onMine: (merged: T, etag: string | null) => void;
}

/** Somebody else was faster: what differs now, and the two ways on. Nothing that was typed in is lost. */
export function ConflictNote<T extends Record<string, unknown>>(props: ConflictNoteProps<T>) {
  const { t } = useTranslation();
  const id = useId();
  const now = useQuery({ queryKey: ['conflict', id], queryFn: props.read, gcTime: 0, staleTime: 0 });
  if (now.data === undefined) {
    return now.isError ? (
      <LoadError error={now.error} retry={() => void now.refetch()} />
    ) : (
      <Lines count={3} />
    );
  }
  const theirs = now.data;
  const show = props.show ?? ((_field: string, value: unknown) => valueText(value));
  const conflicts = conflictsOf(props.base, props.mine, theirs.data);
  return (
    <div className="note note-warning" role="alert">
      <IconGitMerge size={18} aria-hidden />
      <div className="conflict">
        <strong>{t('conflict.title')}</strong>
        <p>{conflicts.length === 0 ? t('conflict.none') : t('conflict.text')}</p>
        {conflicts.length > 0 && (
          <table className="differences">
            <thead>
              <tr>
                <th scope="col">{t('compliance.field')}</th>
                <th scope="col">{t('conflict.theirs')}</th>
                <th scope="col">{t('conflict.mine')}</th>
              </tr>
            </thead>
            <tbody>
              {conflicts.map(({ field, theirs: stored, mine }) => (
                <tr key={field}>
                  <th scope="row">{props.label(field)}</th>
                  <td>
                    <del>{show(field, stored)}</del>
                  </td>
                  <td>
                    <ins>{show(field, mine)}</ins>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <div className="conflict-ways">
          <Button variant="default" size="xs" onClick={props.onTheirs}>
            {t('conflict.take_theirs')}
          </Button>
          {conflicts.length > 0 && (
            <Button
              size="xs"
              loading={props.busy}
              onClick={() => props.onMine(mergeFields(props.base, props.mine, theirs.data), theirs.etag)}
            >
              {t('conflict.apply_mine')}
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}
