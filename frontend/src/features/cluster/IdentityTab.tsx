import { IconCertificate } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../../api/csv';
import { identityQuery } from '../../api/queries';
import type { Installation } from '../../api/types';
import { Badge, LevelBadge, ServedBadge } from '../../components/Badge';
import type { Column } from '../../components/DataTable';
import { EmptyState } from '../../components/States';
import { Time } from '../../components/Time';
import { displayName } from '../../lib/certificate';
import { InstallationRowMenu } from '../certificate/InstallationRowMenu';
import { InstallationPanel } from '../certificate/InstallationPanel';
import { usePermissions } from '../../shell/session';
import { IdentityBulk } from '../bulk/IdentityBulk';
import { planFilterOf } from '../bulk/offers';
import { CertificatesCard } from './CertificatesCard';
import type { TabProps } from './tab-props';
import { useCertificates } from './use-certificates';

const FLOW = ['csr', 'history'];

const rowId = (row: Installation) => row.id;

export function IdentityTab({ cluster, frame }: TabProps) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const certificates = useCertificates((filter) => identityQuery(cluster.id, filter), rowId);
  const { current, doing, open, change } = certificates;
  const columns = useIdentityColumns(open, (id) => change({ cert: id, do: 'csr' }));
  // A part of the panel closes with it; what lies over the page stays.
  const left = FLOW.includes(doing ?? '') ? undefined : doing;
  return (
    <CertificatesCard
      cluster={cluster}
      frame={frame}
      label={t('tab.identity')}
      certificates={certificates}
      columns={columns}
      nameOf={(row) => `${row.store}, ${row.node.name}`}
      bulk={
        operate ? (
          <IdentityBulk
            selection={certificates.selection}
            rows={certificates.list.rows ?? []}
            more={certificates.list.more.has}
            total={certificates.filtered ? undefined : cluster.identity.total}
            filter={() => planFilterOf(certificates.filter, { clusterId: cluster.id }, Date.now())}
          />
        ) : undefined
      }
      csv={csvHref('/api/v1/clusters/{id}/identity-certificates.csv', {
        path: { id: cluster.id },
        query: certificates.filter,
      })}
      none={
        <EmptyState icon={IconCertificate} title={t('identity.none')}>
          {t('identity.none_text')}
        </EmptyState>
      }
      panel={
        current !== null && (
          <InstallationPanel
            key={current}
            id={current}
            row={certificates.row}
            onClose={() => change({ cert: undefined, do: left })}
          />
        )
      }
    />
  );
}

function useIdentityColumns(
  open: (id: string) => void,
  openSteps: (id: string) => void,
): Column<Installation>[] {
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
        sort: 'common_name',
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
        sort: 'not_after',
        className: 'col-tight',
        cell: (row) => (
          <span className="cell-main">
            <Time value={row.not_after} show="end" className={`strong text-${row.status}`} />
            <Time value={row.not_after} show="date" className="cell-second" />
          </span>
        ),
      },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (row) => <InstallationRowMenu installation={row} onSteps={() => openSteps(row.id)} />,
      },
    ],
    [t, open, openSteps],
  );
}
