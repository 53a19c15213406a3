import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { CsvButton } from '../components/CsvButton';
import { DataTable } from '../components/DataTable';
import { PageHeader } from '../components/PageHeader';
import { Split } from '../components/Split';
import { NoMatch } from '../components/States';
import { AlertFilters } from '../features/alert/AlertFilters';
import { AlertPanel } from '../features/alert/AlertPanel';
import { AlertTotals } from '../features/alert/AlertTotals';
import { useAlertColumns } from '../features/alert/columns';
import { NoAlerts } from '../features/alert/NoAlerts';
import { useAlerts } from '../features/alert/use-alerts';
import { IdentityBulk } from '../features/bulk/IdentityBulk';
import { planFilterOf } from '../features/bulk/offers';
import { useMe, usePermissions } from '../shell/session';

/** Every certificate of the fleet, identity and trust, that has expired or soon does (R6). */
export function AlertsPage() {
  const { t } = useTranslation();
  const { start_days: days } = useMe();
  const alerts = useAlerts();
  const { list, current, selection } = alerts;
  const { operate } = usePermissions();
  const columns = useAlertColumns(alerts.open, (id) => alerts.change({ cert: id, do: 'csr' }));
  return (
    <Split
      panel={
        current !== null && <AlertPanel key={current} id={current} row={alerts.row} onClose={alerts.close} />
      }
    >
      <PageHeader
        title={t('alerts.title')}
        sub={<span>{t('alerts.sub', { count: days })}</span>}
        actions={<CsvButton href={csvHref('/api/v1/alerts.csv', { query: alerts.filter })} />}
      />
      <AlertTotals alerts={alerts} />
      <div className="card">
        {operate && (selection.all || selection.count > 0) ? (
          <IdentityBulk
            selection={selection}
            rows={list.rows ?? []}
            more={list.more.has}
            filter={() => planFilterOf(alerts.filter, { alerts: { days } }, Date.now())}
          />
        ) : (
          <AlertFilters alerts={alerts} />
        )}
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
          selection={operate ? selection : undefined}
          nameOf={(row) => `${row.store}, ${row.node.name}`}
          selected={current}
          onOpen={(row) => alerts.open(row.id)}
          empty={alerts.filtered ? <NoMatch onClear={alerts.clear} /> : <NoAlerts />}
        />
      </div>
    </Split>
  );
}
