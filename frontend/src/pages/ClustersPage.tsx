import { Button } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { IconPlus } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { clustersQuery } from '../api/queries';
import type { Cluster } from '../api/types';
import { StateBadge } from '../components/Badge';
import { CountsCell } from '../components/Counts';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { MultiFilter, SearchField } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { AddClusterDialog } from '../features/cluster/AddClusterDialog';
import { Onboarding } from '../features/onboarding/Onboarding';
import { PRODUCTS, useProductName } from '../lib/products';
import { joinList, splitList } from '../lib/search';
import { useList } from '../lib/use-list';
import { useView } from '../lib/view';
import { usePermissions } from '../shell/session';

export function ClustersPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const navigate = useNavigate();
  const { administer } = usePermissions();
  const products = useMemo(() => splitList(view.product), [view.product]);
  const filter = { search: view.q, product: products };
  const list = useList<Cluster>(clustersQuery(filter));
  const filtered = view.q !== undefined || products.length > 0;
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
            empty={<NoMatch onClear={() => change({ q: undefined, product: undefined })} />}
          />
        </div>
      )}
      <AddClusterDialog opened={view.do === 'add'} onClose={() => change({ do: undefined })} />
    </div>
  );
}

interface ProductFilterProps {
  value: string[];
  onChange: (value: string[]) => void;
}

function ProductFilter({ value, onChange }: ProductFilterProps) {
  const { t } = useTranslation();
  const productName = useProductName();
  const options = Object.keys(PRODUCTS).map((product) => ({ value: product, label: productName(product) }));
  return <MultiFilter label={t('f.products')} options={options} value={value} onChange={onChange} />;
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
