import type { RowData } from '@tanstack/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CsvButton } from '../../components/CsvButton';
import { DataTable, type Column } from '../../components/DataTable';
import { SearchField } from '../../components/Filters';
import { NoMatch } from '../../components/States';
import { StatusFilter } from './StatusFilter';
import type { TabProps } from './tab-props';
import type { Certificates } from './use-certificates';

interface CertificatesCardProps<T> extends TabProps {
  label: string;
  certificates: Certificates<T>;
  columns: Column<T>[];
  /** Where all rows are as CSV. */
  csv: string;
  /** What stands in place of the rows while there is no certificate at all. */
  none: ReactNode;
  /** The panel of the open row. */
  panel: ReactNode;
  /** Buttons behind the filters. */
  tools?: ReactNode;
}

/** The list of a tab with certificates, and beside it the panel of the open one. */
export function CertificatesCard<T extends RowData>(props: CertificatesCardProps<T>) {
  const { t } = useTranslation();
  const { cluster, frame, label, certificates, columns, csv, none, panel, tools } = props;
  const { list, current, change } = certificates;
  return (
    <div className={current === null ? 'split' : 'split has-panel'}>
      <div className="split-main">
        {frame(
          <div className="card">
            <div className="filters" role="search">
              <SearchField
                label={t('f.search_certificates')}
                value={certificates.search}
                onChange={(q) => change({ q: q || undefined }, { replace: true })}
              />
              <StatusFilter value={certificates.status} onChange={(status) => change({ status })} />
              <div className="filters-end">
                {tools}
                <CsvButton href={csv} />
              </div>
            </div>
            <DataTable
              label={label}
              columns={columns}
              rows={list.rows}
              rowId={certificates.rowId}
              loading={list.loading}
              error={list.error}
              retry={list.retry}
              stale={list.stale || cluster.status === 'unreachable'}
              more={list.more}
              sorted={certificates.sort}
              onSort={(sort) => change({ sort }, { replace: true })}
              selected={current}
              onOpen={(row) => certificates.open(certificates.rowId(row))}
              empty={certificates.filtered ? <NoMatch onClear={certificates.clear} /> : none}
            />
          </div>,
        )}
      </div>
      {panel}
    </div>
  );
}
