import { IconCertificate, IconInfoCircle } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { serverOnlyQuery } from '../api/hygiene-queries';
import type { ServerOnly } from '../api/types';
import { Tag } from '../components/Badge';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { SearchField } from '../components/Filters';
import { ClusterFilter, GroupFilter, ProductFilter, PurposeFilter } from '../components/NounFilters';
import { PageHeader } from '../components/PageHeader';
import { EmptyState, NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { displayName } from '../lib/certificate';
import { joinList, splitList } from '../lib/search';
import { useFirstRows, useList } from '../lib/use-list';
import { useView } from '../lib/view';

/** Identity certificates of public CAs that are for servers only, where their nodes are clients as well. */
export function ServerOnlyPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const [products, clusters] = [splitList(view.product), splitList(view.cluster)];
  const [groups, purposes] = [splitList(view.group), splitList(view.purpose)];
  const filter = {
    search: view.q,
    product: products,
    cluster_id: clusters,
    group: groups,
    purpose: purposes,
  };
  const filtered =
    view.q !== undefined || [products, clusters, groups, purposes].some((chosen) => chosen.length > 0);
  const list = useFirstRows(useList<ServerOnly>(serverOnlyQuery(filter)));
  const columns = useServerOnlyColumns();
  return (
    <div className="page">
      <PageHeader title={t('server_only.title')} sub={<span>{t('server_only.sub')}</span>} />
      <div className="card">
        <div className="filters" role="search">
          <SearchField
            label={t('f.search_alerts')}
            value={view.q ?? ''}
            onChange={(q) => change({ q: q || undefined }, { replace: true })}
          />
          <PurposeFilter value={purposes} onChange={(values) => change({ purpose: joinList(values) })} />
          <ProductFilter value={products} onChange={(values) => change({ product: joinList(values) })} />
          <ClusterFilter value={clusters} onChange={(values) => change({ cluster: joinList(values) })} />
          <GroupFilter value={groups} onChange={(values) => change({ group: joinList(values) })} />
          <div className="filters-end">
            <CsvButton href={csvHref('/api/v1/server-only-certificates.csv', { query: filter })} />
          </div>
        </div>
        {(list.rows?.length ?? 0) > 0 && (
          <div className="note note-notice card-note">
            <IconInfoCircle size={18} aria-hidden />
            <div>{t('server_only.way_out')}</div>
          </div>
        )}
        <DataTable
          label={t('server_only.title')}
          columns={columns}
          rows={list.rows}
          rowId={(row) => row.installation_id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          empty={
            filtered ? (
              <NoMatch
                onClear={() =>
                  change({
                    q: undefined,
                    product: undefined,
                    cluster: undefined,
                    group: undefined,
                    purpose: undefined,
                  })
                }
              />
            ) : (
              <EmptyState icon={IconCertificate} tone="valid" title={t('server_only.none')}>
                {t('server_only.none_text')}
              </EmptyState>
            )
          }
        />
      </div>
    </div>
  );
}

function useServerOnlyColumns(): Column<ServerOnly>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'certificate',
        header: t('col.certificate'),
        cell: (row) => (
          <span className="cell-main">
            <Link
              className="row-link"
              to="/certificates/$certificateId"
              params={{ certificateId: row.certificate_id }}
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
        cell: (row) => <Tag>{row.purpose}</Tag>,
      },
      {
        id: 'node',
        header: t('col.node'),
        cell: (row) => (
          <span className="cell-main">
            <span>{row.node.name}</span>
            <span className="cell-second">
              <Link
                to="/clusters/$clusterId/$tab"
                params={{ clusterId: row.cluster.id, tab: 'identity' }}
                search={{ cert: row.installation_id }}
              >
                {row.cluster.name}
              </Link>
            </span>
          </span>
        ),
      },
      {
        id: 'usage',
        header: t('d.usage'),
        className: 'col-wide',
        cell: (row) => (
          <span className="tags">
            {row.extended_key_usage.map((usage) => (
              <Tag key={usage}>{usage}</Tag>
            ))}
          </span>
        ),
      },
      {
        id: 'evidence',
        header: t('server_only.evidence'),
        className: 'col-wide',
        cell: (row) => t(`evidence.${row.evidence}`, { defaultValue: row.evidence }),
      },
      {
        id: 'expires',
        header: t('col.expires'),
        className: 'col-tight',
        cell: (row) => (
          <span className="cell-main">
            <Time value={row.not_after} show="end" className="strong" />
            <Time value={row.not_after} show="date" className="cell-second" />
          </span>
        ),
      },
    ],
    [t],
  );
}
