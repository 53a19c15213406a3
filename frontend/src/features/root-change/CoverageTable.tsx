import { Link } from '@tanstack/react-router';
import { IconShieldCheck } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../../api/csv';
import { coverageQuery } from '../../api/root-change-queries';
import type { CoverageRow, CoverageState } from '../../api/types';
import { Tag } from '../../components/Badge';
import { CsvButton } from '../../components/CsvButton';
import { DataTable, type Column } from '../../components/DataTable';
import { MultiFilter } from '../../components/Filters';
import { ClusterFilter } from '../../components/NounFilters';
import { Coded } from '../../components/Prose';
import { EmptyState, NoMatch } from '../../components/States';
import { Time } from '../../components/Time';
import { joinList, splitList } from '../../lib/search';
import { useList } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { CoverageBadge } from './badges';

const STATES: CoverageState[] = [
  'missing',
  'under_way',
  'failed',
  'unreachable',
  'refused',
  'never_read',
  'covered',
];

/** Each trust store: whether its node was read with the new certificate in it, else why not and what to do. */
export function CoverageTable({ id }: { id: string }) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const states = STATES.filter((state) => splitList(view.state).includes(state));
  const clusters = splitList(view.cluster);
  const filter = { state: states, cluster_id: clusters };
  const list = useList<CoverageRow>(coverageQuery(id, filter));
  const columns = useCoverageColumns();
  return (
    <div className="card">
      <div className="filters" role="search">
        <MultiFilter
          label={t('col.status')}
          options={STATES.map((value) => ({ value, label: t(`cover.${value}`) }))}
          value={states}
          onChange={(values) => change({ state: joinList(values) })}
        />
        <ClusterFilter value={clusters} onChange={(values) => change({ cluster: joinList(values) })} />
        <div className="filters-end">
          <CsvButton
            href={csvHref('/api/v1/root-changes/{id}/coverage.csv', { path: { id }, query: filter })}
          />
        </div>
      </div>
      <DataTable
        label={t('root.stores')}
        columns={columns}
        rows={list.rows}
        rowId={(row) => `${row.node.id} ${row.store ?? ''}`}
        loading={list.loading}
        error={list.error}
        retry={list.retry}
        stale={list.stale}
        more={list.more}
        empty={
          states.length > 0 || clusters.length > 0 ? (
            <NoMatch onClear={() => change({ state: undefined, cluster: undefined })} />
          ) : (
            <EmptyState icon={IconShieldCheck} title={t('root.no_stores')} />
          )
        }
      />
    </div>
  );
}

function useCoverageColumns(): Column<CoverageRow>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'status',
        header: t('col.status'),
        className: 'col-status',
        cell: (row) => <CoverageBadge state={row.state} />,
      },
      {
        id: 'node',
        header: t('col.node'),
        cell: (row) => (
          <span className="cell-main">
            <span className="cell-name">{row.node.name}</span>
            <span className="cell-second">
              <Link
                to="/clusters/$clusterId/$tab"
                params={{ clusterId: row.cluster.id, tab: 'trust' }}
                search={{ q: row.node.name }}
              >
                {row.cluster.name}
              </Link>
            </span>
          </span>
        ),
      },
      {
        id: 'store',
        header: t('root.store'),
        className: 'col-tight',
        cell: (row) =>
          row.store == null ? (
            <span className="dim">–</span>
          ) : (
            <span className="tags">
              <Tag>{row.store}</Tag>
              {row.holds_old && <span className="dim">{t('root.holds_old')}</span>}
            </span>
          ),
      },
      { id: 'why', header: t('root.why'), cell: (row) => <Why row={row} /> },
      {
        id: 'read',
        header: t('root.read'),
        className: 'col-tight col-wide',
        cell: (row) => (row.read_at == null ? <span className="dim">–</span> : <Time value={row.read_at} />),
      },
    ],
    [t],
  );
}

function Why({ row }: { row: CoverageRow }) {
  const { t } = useTranslation();
  if (row.state === 'covered') return <span className="dim">–</span>;
  return (
    <span className="root-why">
      <Coded words={`cover_text.${row.state}`} message={row.message ?? t(`cover_text.${row.state}`)} />
      {row.job_id != null && (
        <Link to="/jobs/$jobId" params={{ jobId: row.job_id }}>
          {t('root.to_job')}
        </Link>
      )}
    </span>
  );
}
