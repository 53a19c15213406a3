import { Button, Checkbox, Skeleton } from '@mantine/core';
import { IconArrowUp } from '@tabler/icons-react';
import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Selection } from '../lib/use-selection';
import { LoadError } from './States';

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** What the API calls the order by this column, from the least up; without it the header is no button. */
  sort?: string;
  /** The class of the cells: width, alignment, and below which width the column steps back. */
  className?: string;
}

interface DataTableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[] | undefined;
  rowId: (row: T) => string;
  loading: boolean;
  error?: unknown;
  retry?: () => void;
  empty: ReactNode;
  selected?: string | null;
  /** What a click on a row does, beside the link or button in its first cell. */
  onOpen?: (row: T) => void;
  /** The order that the rows are in, and what a click on a header asks for. */
  sorted?: string;
  onSort?: (sort: string) => void;
  more?: { has: boolean; loading: boolean; load: () => void };
  /** Rows that can be chosen, and what each is called for those who listen. */
  selection?: Selection;
  nameOf?: (row: T) => string;
  /** The data on screen is older than the last try to read it. */
  stale?: boolean;
}

const SKELETON_ROWS = 6;

export function DataTable<T>(props: DataTableProps<T>) {
  const { t } = useTranslation();
  const { columns, rows, rowId, onOpen, selected = null, more, selection } = props;
  const data = useMemo(() => rows ?? [], [rows]);

  if (props.error !== undefined && props.error !== null && rows === undefined) {
    return <LoadError error={props.error} retry={props.retry ?? (() => undefined)} />;
  }
  if (!props.loading && data.length === 0) return props.empty;

  return (
    <div className={props.stale === true ? 'table-wrap is-stale' : 'table-wrap'}>
      <table className="table" aria-label={props.label} aria-busy={props.loading}>
        <thead>
          <tr>
            {selection !== undefined && (
              <th scope="col" className="col-check">
                <Checkbox
                  size="xs"
                  aria-label={t('bulk.select_shown')}
                  checked={data.length > 0 && data.every((row) => selection.chosen.has(rowId(row)))}
                  indeterminate={
                    selection.chosen.size > 0 && !data.every((row) => selection.chosen.has(rowId(row)))
                  }
                  onChange={selection.toggleShown}
                />
              </th>
            )}
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                className={column.className}
                aria-sort={ariaSort(column.sort, props.sorted)}
              >
                {column.sort === undefined ? (
                  column.header
                ) : (
                  <SortButton sort={column.sort} sorted={props.sorted} onSort={props.onSort}>
                    {column.header}
                  </SortButton>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.loading && data.length === 0 && (
            <SkeletonRows columns={columns} first={selection !== undefined} />
          )}
          {data.map((row) => {
            const id = rowId(row);
            return (
              <tr
                key={id}
                data-row={id}
                className={id === selected || selection?.chosen.has(id) === true ? 'is-selected' : undefined}
                aria-current={id === selected ? 'true' : undefined}
                onClick={(event) => openByRow(event, () => onOpen?.(row))}
              >
                {selection !== undefined && (
                  <td className="col-check">
                    <Checkbox
                      size="xs"
                      aria-label={t('bulk.select_row', { name: props.nameOf?.(row) ?? id })}
                      checked={selection.chosen.has(id)}
                      onChange={() => selection.toggle(id)}
                    />
                  </td>
                )}
                {columns.map((column) => (
                  <td key={column.id} className={column.className}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      {more?.has === true && (
        <div className="table-more">
          <span>{t('list.shown', { count: data.length })}</span>
          <Button variant="default" size="xs" loading={more.loading} onClick={more.load}>
            {t('list.more')}
          </Button>
        </div>
      )}
    </div>
  );
}

function ariaSort(sort: string | undefined, sorted: string | undefined): 'ascending' | 'none' | undefined {
  if (sort === undefined) return undefined;
  return sort === sorted ? 'ascending' : 'none';
}

interface SortButtonProps {
  sort: string;
  sorted: string | undefined;
  onSort: ((sort: string) => void) | undefined;
  children: ReactNode;
}

/** The header of a column that the list can be ordered by. */
function SortButton({ sort, sorted, onSort, children }: SortButtonProps) {
  return (
    <button type="button" className="sort" onClick={() => onSort?.(sort)}>
      {children}
      <IconArrowUp size={14} aria-hidden className={sort === sorted ? 'sort-mark is-on' : 'sort-mark'} />
    </button>
  );
}

function SkeletonRows<T>({ columns, first }: { columns: Column<T>[]; first: boolean }) {
  return Array.from({ length: SKELETON_ROWS }, (_, row) => (
    <tr key={row} aria-hidden>
      {first && <td className="col-check" />}
      {columns.map((column, index) => (
        <td key={column.id} className={column.className}>
          <Skeleton height={14} radius="sm" width={`${80 - ((row * 13 + index * 29) % 40)}%`} />
        </td>
      ))}
    </tr>
  ));
}

/** A click on a row opens it, but not one on a link or button inside, nor the end of selecting text. */
function openByRow(event: React.MouseEvent, open: () => void): void {
  const target = event.target as HTMLElement;
  if (target.closest('a, button, input, label, .col-check') !== null) return;
  if ((window.getSelection()?.toString() ?? '') !== '') return;
  open();
}
