import { Menu } from '@mantine/core';
import { IconShieldCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { clutterQuery } from '../api/hygiene-queries';
import type { ClutterReason, ClutterRow, CreatePlan } from '../api/types';
import { Badge, Tag } from '../components/Badge';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { MultiFilter, SearchField } from '../components/Filters';
import { ClusterFilter, GroupFilter, ProductChoice, StoreFilter } from '../components/NounFilters';
import { PageHeader } from '../components/PageHeader';
import { useRowWalk } from '../components/Panel';
import { RowMenu } from '../components/RowMenu';
import { Split } from '../components/Split';
import { EmptyState, NoMatch } from '../components/States';
import { StoreTags } from '../components/StoreTags';
import { Time } from '../components/Time';
import { CertificateBulk } from '../features/bulk/CertificateBulk';
import { TrustPanel } from '../features/certificate/TrustPanel';
import { usePlanOrToast } from '../features/plan/use-plan';
import { colonHex, displayName } from '../lib/certificate';
import { PRODUCTS } from '../lib/products';
import { joinList, splitList } from '../lib/search';
import { useList } from '../lib/use-list';
import { useSelection } from '../lib/use-selection';
import { useView } from '../lib/view';
import { usePermissions } from '../shell/session';

const REASONS: ClutterReason[] = ['expired', 'duplicate', 'unused', 'weak'];

const nameOf = (row: ClutterRow) => row.common_name || displayName(row.subject);

/** What should not stay in trust stores, and the way to take it out; what is taken out is kept. */
export function HygienePage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const { operate } = usePermissions();
  const reasons = REASONS.filter((reason) => splitList(view.reason).includes(reason));
  const product = view.product !== undefined && view.product in PRODUCTS ? view.product : undefined;
  const [clusters, groups, stores] = [splitList(view.cluster), splitList(view.group), splitList(view.store)];
  const filter = {
    search: view.q,
    reason: reasons,
    product,
    cluster_id: clusters,
    group: groups,
    store: stores,
  };
  const filtered =
    view.q !== undefined ||
    product !== undefined ||
    [reasons, clusters, groups, stores].some((chosen) => chosen.length > 0);
  const list = useList<ClutterRow>(clutterQuery(filter));
  const current = view.cert ?? null;
  const open = (id: string) => change({ cert: id }, { replace: current !== null });
  const columns = useClutterColumns(open);
  const ids = useMemo(() => (list.rows ?? []).map((row) => row.certificate_id), [list.rows]);
  const selection = useSelection(ids, filter, current);
  useRowWalk(ids, current, open);
  return (
    <Split
      panel={
        current !== null && (
          <TrustPanel key={current} id={current} onClose={() => change({ cert: undefined })} />
        )
      }
    >
      <PageHeader title={t('nav.hygiene')} sub={<span>{t('hygiene.sub')}</span>} />
      <div className="card">
        {operate && (selection.all || selection.count > 0) ? (
          <CertificateBulk
            selection={selection}
            more={list.more.has}
            clutter
            place={{ cluster_ids: clusters, group_ids: groups, product: product ?? null }}
            stores={stores}
            // A plan knows no reasons: what is told is chosen one by one.
            filter={() => null}
          />
        ) : (
          <div className="filters" role="search">
            <SearchField
              label={t('f.search_known')}
              value={view.q ?? ''}
              onChange={(q) => change({ q: q || undefined }, { replace: true })}
            />
            <MultiFilter
              label={t('hygiene.reason')}
              options={REASONS.map((value) => ({ value, label: t(`clutter.${value}`) }))}
              value={reasons}
              onChange={(values) => change({ reason: joinList(values) })}
            />
            <StoreFilter value={stores} onChange={(values) => change({ store: joinList(values) })} />
            <ProductChoice value={product} onChange={(next) => change({ product: next })} />
            <ClusterFilter value={clusters} onChange={(values) => change({ cluster: joinList(values) })} />
            <GroupFilter value={groups} onChange={(values) => change({ group: joinList(values) })} />
            <div className="filters-end">
              <CsvButton href={csvHref('/api/v1/trust-hygiene.csv', { query: filter })} />
            </div>
          </div>
        )}
        <DataTable
          selection={operate ? selection : undefined}
          nameOf={nameOf}
          label={t('nav.hygiene')}
          columns={columns}
          rows={list.rows}
          rowId={(row) => row.certificate_id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          selected={current}
          onOpen={(row) => open(row.certificate_id)}
          empty={
            filtered ? (
              <NoMatch
                onClear={() =>
                  change({
                    q: undefined,
                    reason: undefined,
                    product: undefined,
                    cluster: undefined,
                    group: undefined,
                    store: undefined,
                  })
                }
              />
            ) : (
              <EmptyState icon={IconShieldCheck} tone="valid" title={t('hygiene.none')}>
                {t('hygiene.none_text')}
              </EmptyState>
            )
          }
        />
      </div>
    </Split>
  );
}

function useClutterColumns(open: (id: string) => void): Column<ClutterRow>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'certificate',
        header: t('col.certificate'),
        cell: (row) => (
          <span className="cell-main">
            <button type="button" className="row-link" onClick={() => open(row.certificate_id)}>
              {nameOf(row)}
            </button>
            <code className="cell-second serial">{colonHex(row.serial_hex)}</code>
          </span>
        ),
      },
      {
        id: 'reasons',
        header: t('hygiene.reason'),
        cell: (row) => (
          <span className="tags">
            {row.reasons.map(({ code }) => (
              <Badge key={code} tone={code === 'expired' || code === 'weak' ? 'expired' : 'warning'}>
                {t(`clutter.${code}`)}
              </Badge>
            ))}
            {row.identity && <Tag>{t('hygiene.identity')}</Tag>}
          </span>
        ),
      },
      { id: 'stores', header: t('col.stores'), cell: (row) => <StoreTags stores={row.stores} /> },
      {
        id: 'places',
        header: t('hygiene.places'),
        className: 'col-tight',
        cell: (row) => (
          <span className="cell-main">
            <span>{t('d.places', { count: row.installation_count })}</span>
            <span className="cell-second">
              <span>{t('nodes.count', { count: row.node_count })}</span>
              <span>{t('clusters.count', { count: row.cluster_count })}</span>
            </span>
          </span>
        ),
      },
      {
        id: 'expires',
        header: t('col.expires'),
        className: 'col-tight col-wide',
        cell: (row) => <Ends row={row} />,
      },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (row) => <RowMenu name={nameOf(row)}>{() => <ClutterItems row={row} />}</RowMenu>,
      },
    ],
    [t, open],
  );
}

function Ends({ row }: { row: ClutterRow }) {
  const over = row.reasons.some(({ code }) => code === 'expired');
  return (
    <span className="cell-main">
      <Time value={row.not_after} show="end" className={over ? 'strong text-expired' : 'strong'} />
      <Time value={row.not_after} show="date" className="cell-second" />
    </span>
  );
}

function ClutterItems({ row }: { row: ClutterRow }) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const plan = usePlanOrToast();
  return (
    <>
      {operate && (
        <Menu.Item onClick={() => plan.mutate(row.plan as CreatePlan)}>{t('action.delete')}</Menu.Item>
      )}
      <Menu.Item
        renderRoot={(props) => (
          <Link {...props} to="/certificates/$certificateId" params={{ certificateId: row.certificate_id }} />
        )}
      >
        {t('act.open_page')}
      </Menu.Item>
    </>
  );
}
