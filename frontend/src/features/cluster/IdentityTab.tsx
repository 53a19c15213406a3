import { IconCertificate } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { identityQuery } from '../../api/queries';
import type { Installation } from '../../api/types';
import { Badge, LevelBadge, ServedBadge } from '../../components/Badge';
import { DataTable, type Column } from '../../components/DataTable';
import { SearchField } from '../../components/Filters';
import { useRowWalk } from '../../components/Panel';
import { EmptyState } from '../../components/States';
import { Time } from '../../components/Time';
import { displayName } from '../../lib/certificate';
import { useList } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { NoMatch } from '../../pages/ClustersPage';
import { InstallationPanel } from '../certificate/InstallationPanel';
import { readStatus, StatusFilter } from './StatusFilter';
import type { TabProps } from './tab-props';

const FLOW = ['csr', 'history'];

export function IdentityTab({ cluster, frame }: TabProps) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const status = readStatus(view.status);
  const list = useList<Installation>(identityQuery(cluster.id, { search: view.q, status }));
  const open = (id: string) => change({ cert: id }, { replace: view.cert !== undefined });
  const columns = useIdentityColumns(open);
  const ids = useMemo(() => (list.rows ?? []).map((row) => row.id), [list.rows]);
  const current = view.cert ?? null;
  useRowWalk(ids, current, open);
  const filtered = view.q !== undefined || status !== undefined;
  const flow = FLOW.includes(view.do ?? '') ? undefined : view.do;
  return (
    <div className={current === null ? 'split' : 'split has-panel'}>
      <div className="split-main">
        {frame(
          <div className="card">
            <div className="filters" role="search">
              <SearchField
                label={t('f.search_certificates')}
                value={view.q ?? ''}
                onChange={(q) => change({ q: q || undefined }, { replace: true })}
              />
              <StatusFilter value={status} onChange={(value) => change({ status: value })} />
            </div>
            <DataTable
              label={t('tab.identity')}
              columns={columns}
              rows={list.rows}
              rowId={(row) => row.id}
              loading={list.loading}
              error={list.error}
              retry={list.retry}
              stale={list.stale || cluster.status === 'unreachable'}
              more={list.more}
              selected={current}
              onOpen={(row) => open(row.id)}
              empty={
                filtered ? (
                  <NoMatch onClear={() => change({ q: undefined, status: undefined })} />
                ) : (
                  <EmptyState icon={IconCertificate} title={t('identity.none')}>
                    {t('identity.none_text')}
                  </EmptyState>
                )
              }
            />
          </div>,
        )}
      </div>
      {current !== null && (
        <InstallationPanel
          key={current}
          id={current}
          row={list.rows?.find((row) => row.id === current)}
          onClose={() => change({ cert: undefined, do: flow })}
        />
      )}
    </div>
  );
}

function useIdentityColumns(open: (id: string) => void): Column<Installation>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'status',
        header: t('col.status'),
        className: 'col-status',
        cell: (row) => <LevelBadge level={row.status} />,
      },
      {
        id: 'certificate',
        header: t('col.certificate'),
        cell: (row) => (
          <span className="cell-main">
            <button type="button" className="row-link" onClick={() => open(row.id)}>
              {row.common_name || displayName(row.subject)}
            </button>
            <span className="cell-second">
              <span className="mono">{row.store}</span>
              {row.csr != null && <Badge tone="notice">{t('csr.waiting')}</Badge>}
            </span>
          </span>
        ),
      },
      { id: 'node', header: t('col.node'), cell: (row) => row.node.name },
      {
        id: 'issuer',
        header: t('col.issuer'),
        className: 'col-wide',
        cell: (row) =>
          row.self_signed ? <em className="dim">{t('d.self_signed')}</em> : displayName(row.issuer),
      },
      {
        id: 'served',
        header: t('col.served'),
        className: 'col-tight col-wide',
        cell: (row) => <ServedBadge state={row.served.state} />,
      },
      {
        id: 'expires',
        header: t('col.expires'),
        className: 'col-tight',
        cell: (row) => (
          <span className="cell-main">
            <Time value={row.not_after} className={`strong text-${row.status}`} />
            <Time value={row.not_after} show="date" className="cell-second" />
          </span>
        ),
      },
    ],
    [t, open],
  );
}
