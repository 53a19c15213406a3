import { IconShieldCheck } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { trustQuery } from '../../api/queries';
import type { TrustRow } from '../../api/types';
import { LevelBadge, Tag } from '../../components/Badge';
import { DataTable, type Column } from '../../components/DataTable';
import { SearchField } from '../../components/Filters';
import { useRowWalk } from '../../components/Panel';
import { EmptyState } from '../../components/States';
import { Time } from '../../components/Time';
import { colonHex, displayName } from '../../lib/certificate';
import { useList } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { NoMatch } from '../../pages/ClustersPage';
import { TrustPanel } from '../certificate/TrustPanel';
import { readStatus, StatusFilter } from './StatusFilter';
import type { TabProps } from './tab-props';

const SHOWN_STORES = 2;

export function TrustTab({ cluster, frame }: TabProps) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const status = readStatus(view.status);
  const list = useList<TrustRow>(trustQuery(cluster.id, { search: view.q, status }));
  const open = (id: string) => change({ cert: id }, { replace: view.cert !== undefined });
  const columns = useTrustColumns(open);
  const ids = useMemo(() => (list.rows ?? []).map((row) => row.certificate_id), [list.rows]);
  const current = view.cert ?? null;
  useRowWalk(ids, current, open);
  const filtered = view.q !== undefined || status !== undefined;
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
              label={t('tab.trust')}
              columns={columns}
              rows={list.rows}
              rowId={(row) => row.certificate_id}
              loading={list.loading}
              error={list.error}
              retry={list.retry}
              stale={list.stale || cluster.status === 'unreachable'}
              more={list.more}
              selected={current}
              onOpen={(row) => open(row.certificate_id)}
              empty={
                filtered ? (
                  <NoMatch onClear={() => change({ q: undefined, status: undefined })} />
                ) : (
                  <EmptyState icon={IconShieldCheck} title={t('trust.none')}>
                    {t('identity.none_text')}
                  </EmptyState>
                )
              }
            />
          </div>,
        )}
      </div>
      {current !== null && (
        <TrustPanel key={current} id={current} onClose={() => change({ cert: undefined })} />
      )}
    </div>
  );
}

function useTrustColumns(open: (id: string) => void): Column<TrustRow>[] {
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
            <button type="button" className="row-link" onClick={() => open(row.certificate_id)}>
              {row.common_name || displayName(row.subject)}
            </button>
            <code className="cell-second serial">{colonHex(row.serial_hex)}</code>
          </span>
        ),
      },
      {
        id: 'issuer',
        header: t('col.issuer'),
        className: 'col-wide',
        cell: (row) =>
          row.self_signed ? <em className="dim">{t('d.self_signed')}</em> : displayName(row.issuer),
      },
      {
        id: 'stores',
        header: t('col.stores'),
        cell: (row) => (
          <span className="tags">
            {row.stores.slice(0, SHOWN_STORES).map((store) => (
              <Tag key={store}>{store}</Tag>
            ))}
            {row.stores.length > SHOWN_STORES && <Tag>+{row.stores.length - SHOWN_STORES}</Tag>}
          </span>
        ),
      },
      {
        id: 'nodes',
        header: t('col.nodes'),
        className: 'col-number col-wide',
        cell: (row) => row.node_count,
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
