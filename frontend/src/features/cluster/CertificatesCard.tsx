import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CsvButton } from '../../components/CsvButton';
import { DataTable, type Column } from '../../components/DataTable';
import { SearchField } from '../../components/Filters';
import { Split } from '../../components/Split';
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
  /** The bar over the chosen rows; without one nothing can be chosen. */
  bulk?: ReactNode;
  nameOf: (row: T) => string;
  /** Buttons behind the filters. */
  tools?: ReactNode;
}

/** The list of a tab with certificates, and beside it the panel of the open one. */
export function CertificatesCard<T>(props: CertificatesCardProps<T>) {
  const { t } = useTranslation();
  const { cluster, frame, label, certificates, columns, csv, none, panel, tools, bulk, nameOf } = props;
  const chosen = bulk !== undefined && (certificates.selection.all || certificates.selection.count > 0);
  const { list, current, change } = certificates;
  return (
    <Split panel={panel}>
      {frame(
        <div className="card">
          {chosen ? (
            bulk
          ) : (
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
          )}
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
            selection={bulk === undefined ? undefined : certificates.selection}
            nameOf={nameOf}
            selected={current}
            onOpen={(row) => certificates.open(certificates.rowId(row))}
            empty={certificates.filtered ? <NoMatch onClear={certificates.clear} /> : none}
          />
        </div>,
      )}
    </Split>
  );
}
