import { Link } from '@tanstack/react-router';
import { IconFileCertificate } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../../api/csv';
import { identitiesQuery } from '../../api/root-change-queries';
import type { IdentityRow, IdentityState } from '../../api/types';
import { Tag } from '../../components/Badge';
import { CsvButton } from '../../components/CsvButton';
import { DataTable, type Column } from '../../components/DataTable';
import { MultiFilter } from '../../components/Filters';
import { ClusterFilter } from '../../components/NounFilters';
import { EmptyState, NoMatch } from '../../components/States';
import { Time } from '../../components/Time';
import { displayName } from '../../lib/certificate';
import { joinList, splitList } from '../../lib/search';
import { useList } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { IdentityStateBadge } from './badges';

const STATES: IdentityState[] = ['old', 'csr_pending', 'new'];

/** Identity certificates that chain to one of the two: each leads to its panel, where its CSR and the answer have their place. */
export function IdentityTable({ id }: { id: string }) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const states = STATES.filter((state) => splitList(view.state).includes(state));
  const clusters = splitList(view.cluster);
  const filter = { state: states, cluster_id: clusters };
  const list = useList<IdentityRow>(identitiesQuery(id, filter));
  const columns = useIdentityColumns();
  return (
    <div className="card">
      <div className="filters" role="search">
        <MultiFilter
          label={t('col.status')}
          options={STATES.map((value) => ({ value, label: t(`identity_state.${value}`) }))}
          value={states}
          onChange={(values) => change({ state: joinList(values) })}
        />
        <ClusterFilter value={clusters} onChange={(values) => change({ cluster: joinList(values) })} />
        <div className="filters-end">
          <CsvButton
            href={csvHref('/api/v1/root-changes/{id}/identities.csv', { path: { id }, query: filter })}
          />
        </div>
      </div>
      <DataTable
        label={t('tab.identity')}
        columns={columns}
        rows={list.rows}
        rowId={(row) => row.installation_id}
        loading={list.loading}
        error={list.error}
        retry={list.retry}
        stale={list.stale}
        more={list.more}
        empty={
          states.length > 0 || clusters.length > 0 ? (
            <NoMatch onClear={() => change({ state: undefined, cluster: undefined })} />
          ) : (
            <EmptyState icon={IconFileCertificate} title={t('root.no_identities')} />
          )
        }
      />
    </div>
  );
}

function useIdentityColumns(): Column<IdentityRow>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'status',
        header: t('col.status'),
        className: 'col-status',
        cell: (row) => <IdentityStateBadge state={row.state} />,
      },
      {
        id: 'certificate',
        header: t('col.certificate'),
        cell: (row) => (
          <span className="cell-main">
            <Link
              className="cell-name"
              to="/clusters/$clusterId/$tab"
              params={{ clusterId: row.cluster.id, tab: 'identity' }}
              search={{
                cert: row.installation_id,
                do: row.state === 'new' ? undefined : 'csr',
              }}
            >
              {row.common_name || row.node.name}
            </Link>
            <span className="cell-second">{displayName(row.issuer)}</span>
          </span>
        ),
      },
      {
        id: 'purpose',
        header: t('col.purpose'),
        className: 'col-tight',
        cell: (row) => <Tag>{row.purpose}</Tag>,
      },
      {
        id: 'node',
        header: t('col.node'),
        cell: (row) => (
          <span className="cell-main">
            <span>{row.node.name}</span>
            <span className="cell-second">{row.cluster.name}</span>
          </span>
        ),
      },
      {
        id: 'expires',
        header: t('col.expires'),
        className: 'col-tight col-wide',
        cell: (row) => <Time value={row.not_after} show="end" />,
      },
    ],
    [t],
  );
}
