import { Button } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { IconPlus } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { clustersQuery } from '../api/queries';
import type { Cluster, ClusterStatus } from '../api/types';
import { StateBadge } from '../components/Badge';
import { CountsCell } from '../components/Counts';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { MultiFilter, SearchField } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { GroupFilter, ProductFilter, ProfileFilter } from '../components/NounFilters';
import { AddClusterDialog } from '../features/cluster/AddClusterDialog';
import { Onboarding } from '../features/onboarding/Onboarding';
import { useProductName } from '../lib/products';
import { joinList, splitList } from '../lib/search';
import { useList } from '../lib/use-list';
import { useView } from '../lib/view';
import { usePermissions } from '../shell/session';

const STATUSES: ClusterStatus[] = ['ok', 'attention', 'unreachable', 'empty', 'disabled'];
const NO_FILTER = {
  q: undefined,
  product: undefined,
  group: undefined,
  status: undefined,
  profile: undefined,
};

export function ClustersPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const navigate = useNavigate();
  const { administer } = usePermissions();
  const products = useMemo(() => splitList(view.product), [view.product]);
  const groups = useMemo(() => splitList(view.group), [view.group]);
  const statuses = useMemo(
    () => STATUSES.filter((status) => splitList(view.status).includes(status)),
    [view.status],
  );
  const profile = useMemo(() => splitList(view.profile), [view.profile]);
  const filter = { search: view.q, product: products, group: groups, status: statuses, profile };
  const list = useList<Cluster>(clustersQuery(filter));
  const filtered =
    view.q !== undefined || [products, groups, statuses, profile].some((values) => values.length > 0);
  const columns = useClusterColumns();
  const nothingYet =
    !filtered && list.rows !== undefined && list.rows.every((cluster) => cluster.node_count === 0);
  const noCluster = !filtered && list.rows?.length === 0;

  const openTab = (cluster: Cluster) =>
    void navigate({ to: '/clusters/$clusterId/$tab', params: { clusterId: cluster.id, tab: 'identity' } });
  return (
    <div className="page">
      <PageHeader
        title={t('clusters.title')}
        sub={<span>{t('clusters.sub')}</span>}
        actions={
          administer && (
            <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ do: 'add' })}>
              {t('clusters.add')}
            </Button>
          )
        }
      />
      {nothingYet && <Onboarding clusters={list.rows ?? []} />}
      {!noCluster && (
        <div className="card">
          <div className="filters" role="search">
            <SearchField
              label={t('clusters.search')}
              value={view.q ?? ''}
              onChange={(q) => change({ q: q || undefined }, { replace: true })}
            />
            <ProductFilter value={products} onChange={(values) => change({ product: joinList(values) })} />
            <GroupFilter value={groups} onChange={(values) => change({ group: joinList(values) })} />
            <MultiFilter
              label={t('col.status')}
              options={STATUSES.map((status) => ({ value: status, label: t(`state.${status}`) }))}
              value={statuses}
              onChange={(values) => change({ status: joinList(values) })}
            />
            <ProfileFilter value={profile} onChange={(values) => change({ profile: joinList(values) })} />
            <div className="filters-end">
              <CsvButton href={csvHref('/api/v1/clusters.csv', { query: filter })} />
            </div>
          </div>
          <DataTable
            label={t('clusters.title')}
            columns={columns}
            rows={list.rows}
            rowId={(cluster) => cluster.id}
            loading={list.loading}
            error={list.error}
            retry={list.retry}
            stale={list.stale}
            more={list.more}
            onOpen={openTab}
            empty={<NoMatch onClear={() => change(NO_FILTER)} />}
          />
        </div>
      )}
      <AddClusterDialog opened={view.do === 'add'} onClose={() => change({ do: undefined })} />
    </div>
  );
}

function useClusterColumns(): Column<Cluster>[] {
  const { t } = useTranslation();
  const productName = useProductName();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('col.cluster'),
        cell: (cluster) => (
          <span className="cell-main">
            <Link
              className="cell-name"
              to="/clusters/$clusterId/$tab"
              params={{ clusterId: cluster.id, tab: 'identity' }}
            >
              {cluster.name}
            </Link>
            <span className="cell-second">
              <span>{cluster.group.name}</span>
              <span>{t('nodes.count', { count: cluster.node_count })}</span>
            </span>
          </span>
        ),
      },
      {
        id: 'status',
        header: t('col.status'),
        className: 'col-status',
        cell: (cluster) => <StateBadge state={cluster.status} />,
      },
      {
        id: 'product',
        header: t('col.product'),
        cell: (cluster) => (
          <span>
            {productName(cluster.product)} <span className="dim">{cluster.version}</span>
          </span>
        ),
      },
      {
        id: 'identity',
        header: t('col.identity'),
        className: 'col-tight',
        cell: (cluster) => <CountsCell counts={cluster.identity} />,
      },
      {
        id: 'trust',
        header: t('col.trust'),
        className: 'col-tight',
        cell: (cluster) => <CountsCell counts={cluster.trust} />,
      },
      {
        id: 'inventory',
        header: t('col.inventory'),
        className: 'col-tight col-wide',
        cell: (cluster) =>
          cluster.inventory_at == null ? (
            <span className="dim">{t('clusters.never')}</span>
          ) : (
            <Time value={cluster.inventory_at} className="dim" />
          ),
      },
    ],
    [t, productName],
  );
}
