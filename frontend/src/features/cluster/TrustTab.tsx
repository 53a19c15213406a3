import { IconShieldCheck } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../../api/csv';
import { trustQuery } from '../../api/queries';
import type { TrustRow } from '../../api/types';
import { LevelBadge } from '../../components/Badge';
import type { Column } from '../../components/DataTable';
import { EmptyState } from '../../components/States';
import { StoreTags } from '../../components/StoreTags';
import { Time } from '../../components/Time';
import { colonHex, displayName } from '../../lib/certificate';
import { usePermissions } from '../../shell/session';
import { TrustRowMenu } from '../certificate/InstallationRowMenu';
import { TrustPanel } from '../certificate/TrustPanel';
import { UploadToTrust } from '../trust/UploadToTrust';
import { CertificateBulk } from '../bulk/CertificateBulk';
import { planFilterOf } from '../bulk/offers';
import { CertificatesCard } from './CertificatesCard';
import type { TabProps } from './tab-props';
import { useCertificates } from './use-certificates';

const rowId = (row: TrustRow) => row.certificate_id;

export function TrustTab({ cluster, frame }: TabProps) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const certificates = useCertificates((filter) => trustQuery(cluster.id, filter), rowId);
  const { filter, current, open, change } = certificates;
  const columns = useTrustColumns(open);
  return (
    <CertificatesCard
      cluster={cluster}
      frame={frame}
      label={t('tab.trust')}
      certificates={certificates}
      columns={columns}
      nameOf={(row) => row.common_name || displayName(row.subject)}
      bulk={
        operate ? (
          <CertificateBulk
            selection={certificates.selection}
            more={certificates.list.more.has}
            place={{ cluster_ids: [cluster.id] }}
            // To take all away that is trusted is no one's wish: as a whole only what has expired.
            filter={() =>
              filter.status?.[0] === 'expired'
                ? planFilterOf(filter, { clusterId: cluster.id }, Date.now())
                : null
            }
          />
        ) : undefined
      }
      tools={operate && <UploadToTrust clusterId={cluster.id} />}
      csv={csvHref('/api/v1/clusters/{id}/trust-certificates.csv', {
        path: { id: cluster.id },
        query: { search: filter.search, status: filter.status },
      })}
      none={
        <EmptyState icon={IconShieldCheck} title={t('trust.none')}>
          {t('identity.none_text')}
        </EmptyState>
      }
      panel={
        current !== null && (
          <TrustPanel key={current} id={current} onClose={() => change({ cert: undefined })} />
        )
      }
    />
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
        cell: (row) => <StoreTags stores={row.stores} />,
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
            <Time value={row.not_after} show="end" className={`strong text-${row.status}`} />
            <Time value={row.not_after} show="date" className="cell-second" />
          </span>
        ),
      },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (row) => (
          <TrustRowMenu
            certificateId={row.certificate_id}
            name={row.common_name || displayName(row.subject)}
          />
        ),
      },
    ],
    [t, open],
  );
}
