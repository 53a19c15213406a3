import '../features/profile/profile.css';
import { Link } from '@tanstack/react-router';
import { IconCheck, IconChevronLeft, IconShieldCheck } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { complianceQuery } from '../api/profile-queries';
import type { ClusterCompliance } from '../api/types';
import { Badge } from '../components/Badge';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { ChoiceFilter, SearchField } from '../components/Filters';
import { ProductFilter, ProfileFilter } from '../components/NounFilters';
import { PageHeader } from '../components/PageHeader';
import { useRowWalk } from '../components/Panel';
import { Split } from '../components/Split';
import { EmptyState, NoMatch } from '../components/States';
import { FixButton } from '../features/profile/FixDialog';
import { usePermissions } from '../shell/session';
import { DeviationPanel } from '../features/profile/DeviationPanel';
import { useProductName } from '../lib/products';
import { joinList, splitList } from '../lib/search';
import { useList, useRow } from '../lib/use-list';
import { useView } from '../lib/view';

const RULES = [
  'signing',
  'use_tomcat',
  'multi_server',
  'validity_years',
  'key_type',
  'key_bits',
  'hash',
  'subject',
];

/** Clusters by rule: how far each is from its profile. */
export function CompliancePage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const { operate } = usePermissions();
  const products = useMemo(() => splitList(view.product), [view.product]);
  const profiles = useMemo(() => splitList(view.profile), [view.profile]);
  const compliant = view.compliant === 'yes' ? true : view.compliant === 'no' ? false : undefined;
  const filter = { search: view.q, product: products, profile: profiles, compliant };
  const filtered =
    view.q !== undefined || compliant !== undefined || products.length > 0 || profiles.length > 0;
  const list = useList<ClusterCompliance>(complianceQuery(filter));
  const current = view.cluster ?? null;
  const open = (id: string) => change({ cluster: id }, { replace: current !== null });
  const columns = useComplianceColumns(open);
  const ids = useMemo(() => (list.rows ?? []).map((row) => row.cluster.id), [list.rows]);
  useRowWalk(ids, current, open);
  const row = useRow(list, current, ({ cluster }) => cluster.id);
  return (
    <Split
      panel={
        current !== null && (
          <DeviationPanel
            key={current}
            clusterId={current}
            row={row}
            onClose={() => change({ cluster: undefined })}
          />
        )
      }
    >
      <PageHeader
        above={
          <Link to="/profiles" className="page-back">
            <IconChevronLeft size={15} aria-hidden />
            {t('nav.profiles')}
          </Link>
        }
        title={t('compliance.title')}
        sub={<span>{t('compliance.sub')}</span>}
        actions={
          <>
            {operate && view.q === undefined && profiles.length === 0 && (
              <FixButton clusterIds={[]} products={products} label={t('fix.all')} />
            )}
            <CsvButton href={csvHref('/api/v1/compliance.csv', { query: filter })} />
          </>
        }
      />
      <div className="card">
        <div className="filters" role="search">
          <SearchField
            label={t('clusters.search')}
            value={view.q ?? ''}
            onChange={(q) => change({ q: q || undefined }, { replace: true })}
          />
          <ProductFilter value={products} onChange={(values) => change({ product: joinList(values) })} />
          <ProfileFilter value={profiles} onChange={(values) => change({ profile: joinList(values) })} />
          <ChoiceFilter
            label={t('compliance.title')}
            options={['no', 'yes'].map((value) => ({ value, label: t(`compliance.${value}`) }))}
            value={view.compliant}
            onChange={(next) => change({ compliant: next })}
          />
        </div>
        <DataTable
          label={t('compliance.title')}
          columns={columns}
          rows={list.rows}
          rowId={(row) => row.cluster.id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          selected={current}
          onOpen={(row) => open(row.cluster.id)}
          empty={
            filtered && compliant !== false ? (
              <NoMatch
                onClear={() =>
                  change({ q: undefined, product: undefined, profile: undefined, compliant: undefined })
                }
              />
            ) : (
              <EmptyState icon={IconShieldCheck} tone="valid" title={t('compliance.none')}>
                {t('compliance.none_text')}
              </EmptyState>
            )
          }
        />
      </div>
    </Split>
  );
}

function useComplianceColumns(open: (id: string) => void): Column<ClusterCompliance>[] {
  const { t } = useTranslation();
  const productName = useProductName();
  return useMemo(
    () => [
      {
        id: 'cluster',
        header: t('col.cluster'),
        cell: (row) => (
          <span className="cell-main">
            <button type="button" className="row-link" onClick={() => open(row.cluster.id)}>
              {row.cluster.name}
            </button>
            <span className="cell-second">
              <span>
                {productName(row.product)} {row.version}
              </span>
            </span>
          </span>
        ),
      },
      {
        id: 'profile',
        header: t('compliance.profile'),
        cell: (row) => (
          <span className="cell-main">
            <Link to="/profiles/$profileId" params={{ profileId: row.profile.id }}>
              {row.profile.name}
            </Link>
            {row.pending && <span className="cell-second">{t('compliance.pending')}</span>}
          </span>
        ),
      },
      {
        id: 'all',
        header: t('compliance.differ'),
        className: 'col-tight',
        cell: (row) =>
          row.compared === 0 ? (
            <span className="dim">–</span>
          ) : (
            <Badge tone={row.different > 0 ? 'warning' : 'valid'}>
              {t('compliance.of', { count: row.different, total: row.compared })}
            </Badge>
          ),
      },
      ...RULES.map((rule): Column<ClusterCompliance> => ({
        id: rule,
        header: t(`rule.${rule}`),
        className: 'rule-cell col-wide',
        cell: (row) => <RuleCell row={row} rule={rule} />,
      })),
    ],
    [t, productName, open],
  );
}

function RuleCell({ row, rule }: { row: ClusterCompliance; rule: string }) {
  const { t } = useTranslation();
  const found = row.rules.find((item) => item.rule === rule);
  if (found === undefined || found.compared === 0) {
    return (
      <span className="dim" title={t('compliance.open')}>
        –<span className="visually-hidden"> {t('compliance.open')}</span>
      </span>
    );
  }
  if (found.different === 0) {
    return (
      <span className="rule-ok">
        <IconCheck size={16} aria-hidden />
        <span className="visually-hidden">{t('compliance.yes')}</span>
      </span>
    );
  }
  return (
    <span className="rule-off">{t('compliance.of', { count: found.different, total: found.compared })}</span>
  );
}
