import { Button } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { IconLock, IconReplace } from '@tabler/icons-react';
import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { rootChangesQuery } from '../api/root-change-queries';
import type { RootChange, RootChangeState } from '../api/types';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { MultiFilter, SearchField } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { EmptyState, NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { authorityName } from '../features/root-change/AuthorityFacts';
import { RootChangeBadge } from '../features/root-change/badges';
import { useMayChangeRoots } from '../features/root-change/permission';
import { ScopeCount } from '../features/root-change/ScopeText';
import { joinList, splitList } from '../lib/search';
import { useList } from '../lib/use-list';
import { useView } from '../lib/view';
import { useMe } from '../shell/session';

const STATES: RootChangeState[] = ['open', 'completed', 'cancelled'];

/** CA certificates that make way for others. */
export function RootChangesPage() {
  const { t } = useTranslation();
  const allGroups = (useMe().groups ?? null) === null;
  const mayBegin = useMayChangeRoots();
  return (
    <div className="page">
      <PageHeader
        title={t('nav.root_changes')}
        sub={<span>{t('root.sub')}</span>}
        actions={mayBegin && <BeginButton />}
      />
      <div className="card">
        {allGroups ? (
          <RootChangeList begin={mayBegin && <BeginButton />} />
        ) : (
          <EmptyState icon={IconLock} title={t('settings.not_for_you')}>
            {t('root.all_groups')}
          </EmptyState>
        )}
      </div>
    </div>
  );
}

function BeginButton() {
  const { t } = useTranslation();
  return (
    <Button
      renderRoot={(props) => (
        <Link {...props} to="/root-changes/$rootChangeId" params={{ rootChangeId: 'new' }} />
      )}
    >
      {t('root.begin')}
    </Button>
  );
}

function RootChangeList({ begin }: { begin: ReactNode }) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const navigate = useNavigate();
  const states = STATES.filter((state) => splitList(view.state).includes(state));
  const filter = { search: view.q, state: states };
  const list = useList<RootChange>(rootChangesQuery(filter));
  const columns = useRootChangeColumns();
  return (
    <>
      <div className="filters" role="search">
        <SearchField
          label={t('root.search')}
          value={view.q ?? ''}
          onChange={(q) => change({ q: q || undefined }, { replace: true })}
        />
        <MultiFilter
          label={t('col.status')}
          options={STATES.map((value) => ({ value, label: t(`root_state.${value}`) }))}
          value={states}
          onChange={(values) => change({ state: joinList(values) })}
        />
        <div className="filters-end">
          <CsvButton href={csvHref('/api/v1/root-changes.csv', { query: filter })} />
        </div>
      </div>
      <DataTable
        label={t('nav.root_changes')}
        columns={columns}
        rows={list.rows}
        rowId={(row) => row.id}
        loading={list.loading}
        error={list.error}
        retry={list.retry}
        stale={list.stale}
        more={list.more}
        onOpen={({ id }) =>
          void navigate({ to: '/root-changes/$rootChangeId', params: { rootChangeId: id } })
        }
        empty={
          view.q !== undefined || states.length > 0 ? (
            <NoMatch onClear={() => change({ q: undefined, state: undefined })} />
          ) : (
            <EmptyState icon={IconReplace} title={t('root.none')} actions={begin}>
              {t('root.none_text')}
            </EmptyState>
          )
        }
      />
    </>
  );
}

function useRootChangeColumns(): Column<RootChange>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'status',
        header: t('col.status'),
        className: 'col-status',
        cell: (row) => <RootChangeBadge state={row.state} />,
      },
      {
        id: 'name',
        header: t('field.name'),
        cell: (row) => (
          <span className="cell-main">
            <Link className="cell-name" to="/root-changes/$rootChangeId" params={{ rootChangeId: row.id }}>
              {row.name}
            </Link>
            {row.note !== '' && <span className="cell-second">{row.note}</span>}
          </span>
        ),
      },
      {
        id: 'certificates',
        header: t('f.certificates'),
        className: 'col-wide',
        cell: (row) => (
          <span className="cell-main">
            <span>{authorityName(row.old_certificate)}</span>
            <span className="cell-second">→ {authorityName(row.new_certificate)}</span>
          </span>
        ),
      },
      { id: 'scope', header: t('root.scope'), cell: (row) => <ScopeCount scope={row.scope} /> },
      {
        id: 'by',
        header: t('root.begun_by'),
        className: 'col-wide',
        cell: (row) => row.created_by,
      },
      {
        id: 'at',
        header: t('root.begun'),
        className: 'col-tight',
        cell: (row) => <Time value={row.created_at} />,
      },
    ],
    [t],
  );
}
