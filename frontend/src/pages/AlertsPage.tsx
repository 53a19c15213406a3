import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { CsvButton } from '../components/CsvButton';
import { DataTable } from '../components/DataTable';
import { PageHeader } from '../components/PageHeader';
import { NoMatch } from '../components/States';
import { AlertFilters } from '../features/alert/AlertFilters';
import { AlertPanel } from '../features/alert/AlertPanel';
import { AlertTotals } from '../features/alert/AlertTotals';
import { useAlertColumns } from '../features/alert/columns';
import { NoAlerts } from '../features/alert/NoAlerts';
import { useAlerts } from '../features/alert/use-alerts';
import { useMe } from '../shell/session';

/** Every certificate of the fleet, identity and trust, that has expired or soon does (R6). */
export function AlertsPage() {
  const { t } = useTranslation();
  const { start_days: days } = useMe();
  const alerts = useAlerts();
  const { list, current } = alerts;
  const columns = useAlertColumns(alerts.open, (id) => alerts.change({ cert: id, do: 'csr' }));
  return (
    <div className={current === null ? 'split' : 'split has-panel'}>
      <div className="split-main">
        <PageHeader
          title={t('alerts.title')}
          sub={<span>{t('alerts.sub', { count: days })}</span>}
          actions={<CsvButton href={csvHref('/api/v1/alerts.csv', { query: alerts.filter })} />}
        />
        <AlertTotals alerts={alerts} />
        <div className="card">
          <AlertFilters alerts={alerts} />
          <DataTable
            label={t('alerts.title')}
            columns={columns}
            rows={list.rows}
            rowId={(row) => row.id}
            loading={list.loading}
            error={list.error}
            retry={list.retry}
            stale={list.stale}
            more={list.more}
            sorted={alerts.filter.sort}
            onSort={(sort) => alerts.change({ sort }, { replace: true })}
            selected={current}
            onOpen={(row) => alerts.open(row.id)}
            empty={alerts.filtered ? <NoMatch onClear={alerts.clear} /> : <NoAlerts />}
          />
        </div>
      </div>
      {current !== null && <AlertPanel key={current} id={current} row={alerts.row} onClose={alerts.close} />}
    </div>
  );
}
