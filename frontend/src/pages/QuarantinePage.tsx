import { Button, Menu } from '@mantine/core';
import { IconArchive } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { keptQuery } from '../api/hygiene-queries';
import type { CreatePlan, KeptCertificate } from '../api/types';
import { Tag } from '../components/Badge';
import { BulkBar } from '../components/BulkBar';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { ChoiceFilter, GivenFilter, SearchField } from '../components/Filters';
import { ClusterFilter, GroupFilter, StoreFilter } from '../components/NounFilters';
import { PageHeader } from '../components/PageHeader';
import { RowMenu } from '../components/RowMenu';
import { EmptyState, NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { usePlanOrToast } from '../features/plan/use-plan';
import { colonHex } from '../lib/certificate';
import { joinList, splitList } from '../lib/search';
import { useList } from '../lib/use-list';
import { useSelection, type Selection } from '../lib/use-selection';
import { useView } from '../lib/view';
import { usePermissions } from '../shell/session';

const STATES = ['gone', 'restored'];
/** So many are put back by one plan. */
const MOST_RESTORED = 500;

const nameOf = (row: KeptCertificate) => row.common_name || row.entry;

/** What was taken from trust stores: who took it, when and from where, and the way back. */
export function QuarantinePage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const { operate } = usePermissions();
  const restored = view.state === 'restored';
  const [clusters, groups, stores] = [splitList(view.cluster), splitList(view.group), splitList(view.store)];
  const filter = {
    search: view.q,
    restored,
    cluster_id: clusters,
    group: groups,
    store: stores,
    certificate_id: view.certificate,
    job_id: view.job,
  };
  const filtered =
    [view.q, view.certificate, view.job].some((part) => part !== undefined) ||
    restored ||
    [clusters, groups, stores].some((chosen) => chosen.length > 0);
  const list = useList<KeptCertificate>(keptQuery(filter));
  const columns = useKeptColumns(restored);
  const ids = useMemo(() => (list.rows ?? []).map(({ id }) => id), [list.rows]);
  const selection = useSelection(ids, filter, null);
  const selects = operate && !restored;
  return (
    <div className="page">
      <PageHeader title={t('nav.quarantine')} sub={<span>{t('quarantine.sub')}</span>} />
      <div className="card">
        {selects && selection.count > 0 ? (
          <RestoreBulk selection={selection} rows={list.rows ?? []} more={list.more.has} />
        ) : (
          <div className="filters" role="search">
            <SearchField
              label={t('quarantine.search')}
              value={view.q ?? ''}
              onChange={(q) => change({ q: q || undefined }, { replace: true })}
            />
            <ChoiceFilter
              label={t('col.status')}
              options={STATES.map((value) => ({ value, label: t(`quarantine.${value}`) }))}
              value={STATES.find((name) => name === view.state)}
              onChange={(next) => change({ state: next })}
            />
            <StoreFilter value={stores} onChange={(values) => change({ store: joinList(values) })} />
            <ClusterFilter value={clusters} onChange={(values) => change({ cluster: joinList(values) })} />
            <GroupFilter value={groups} onChange={(values) => change({ group: joinList(values) })} />
            {(['job', 'certificate'] as const).map(
              (part) =>
                view[part] !== undefined && (
                  <GivenFilter
                    key={part}
                    label={t(`quarantine.of_${part}`)}
                    onClear={() => change({ [part]: undefined })}
                  />
                ),
            )}
            <div className="filters-end">
              <CsvButton href={csvHref('/api/v1/quarantine.csv', { query: filter })} />
            </div>
          </div>
        )}
        <DataTable
          selection={selects ? selection : undefined}
          nameOf={(row) => `${nameOf(row)}, ${row.store}, ${row.node.name}`}
          label={t('nav.quarantine')}
          columns={columns}
          rows={list.rows}
          rowId={(row) => row.id}
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
                    state: undefined,
                    cluster: undefined,
                    group: undefined,
                    store: undefined,
                    certificate: undefined,
                    job: undefined,
                  })
                }
              />
            ) : (
              <EmptyState icon={IconArchive} title={t('quarantine.none')}>
                {t('quarantine.none_text')}
              </EmptyState>
            )
          }
        />
      </div>
    </div>
  );
}

interface RestoreBulkProps {
  selection: Selection;
  rows: KeptCertificate[];
  more: boolean;
}

/** Puts the chosen ones back, as far as they can be. */
function RestoreBulk({ selection, rows, more }: RestoreBulkProps) {
  const { t } = useTranslation();
  const plan = usePlanOrToast();
  const chosen = rows.filter(({ id }) => selection.chosen.has(id));
  const can = chosen.filter((row) => row.plan != null).map(({ id }) => id);
  const refusal = chosen.find((row) => row.refusal != null)?.refusal;
  const reason =
    can.length > MOST_RESTORED
      ? t('bulk.too_many', { count: MOST_RESTORED })
      : can.length === 0 && refusal != null
        ? t('bulk.none_can', { reason: refusal })
        : undefined;
  return (
    <BulkBar selection={selection} more={more} noAll={t('bulk.no_filter')}>
      <Button
        variant="default"
        disabled={can.length === 0 || can.length > MOST_RESTORED}
        title={reason}
        loading={plan.isPending}
        onClick={() => plan.mutate({ action: 'restore', quarantine: can })}
      >
        {t('action.restore')} ({can.length})
      </Button>
    </BulkBar>
  );
}

function useKeptColumns(restored: boolean): Column<KeptCertificate>[] {
  const { t } = useTranslation();
  const { operate } = usePermissions();
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
              {nameOf(row)}
            </Link>
            <code className="cell-second serial">{colonHex(row.serial_hex)}</code>
          </span>
        ),
      },
      {
        id: 'from',
        header: t('quarantine.from'),
        cell: (row) => (
          <span className="cell-main">
            <span>
              <Tag>{row.store}</Tag>
            </span>
            <span className="cell-second">
              <span>{row.node.name}</span>
              <span>
                <Link to="/clusters/$clusterId/$tab" params={{ clusterId: row.cluster.id, tab: 'trust' }}>
                  {row.cluster.name}
                </Link>
              </span>
            </span>
          </span>
        ),
      },
      {
        id: 'gone',
        header: t('quarantine.gone'),
        className: 'col-tight',
        cell: (row) => <Moment at={row.removed_at} by={row.removed_by} jobId={row.job_id} />,
      },
      restored
        ? {
            id: 'back',
            header: t('quarantine.restored'),
            className: 'col-tight',
            cell: (row) =>
              row.restored_at != null && (
                <Moment at={row.restored_at} by={row.restored_by} jobId={row.restored_job_id} />
              ),
          }
        : {
            id: 'expires',
            header: t('col.expires'),
            className: 'col-tight col-wide',
            cell: (row) => (
              <span className="cell-main">
                <Time value={row.not_after} show="end" className="strong" />
                <Time value={row.not_after} show="date" className="cell-second" />
              </span>
            ),
          },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (row) =>
          operate && !restored && <RowMenu name={nameOf(row)}>{() => <RestoreItem row={row} />}</RowMenu>,
      },
    ],
    [t, operate, restored],
  );
}

interface MomentProps {
  at: string;
  by: string | null | undefined;
  jobId: string | null | undefined;
}

/** When, by whom, and by which job; without a job it happened on the node itself. */
function Moment({ at, by, jobId }: MomentProps) {
  const { t } = useTranslation();
  return (
    <span className="cell-main">
      <Time value={at} />
      <span className="cell-second">
        {jobId == null ? (
          <span>{t('quarantine.on_node')}</span>
        ) : (
          <>
            <span>
              <Link to="/jobs/$jobId" params={{ jobId }}>
                {t('history.job')}
              </Link>
            </span>
            {by != null && <span>{by}</span>}
          </>
        )}
      </span>
    </span>
  );
}

function RestoreItem({ row }: { row: KeptCertificate }) {
  const { t } = useTranslation();
  const plan = usePlanOrToast();
  const { plan: wish } = row;
  return (
    <Menu.Item
      disabled={wish == null}
      onClick={() => {
        if (wish != null) plan.mutate(wish as CreatePlan);
      }}
    >
      {t('action.restore')}
      {row.refusal != null && (
        <span className="menu-reason" lang="en">
          {row.refusal}
        </span>
      )}
    </Menu.Item>
  );
}
