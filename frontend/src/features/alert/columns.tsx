import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Installation } from '../../api/types';
import { IconBellOff } from '@tabler/icons-react';
import { Badge, LevelBadge } from '../../components/Badge';
import type { Column } from '../../components/DataTable';
import { Time } from '../../components/Time';
import { InstallationRowMenu, TrustRowMenu } from '../certificate/InstallationRowMenu';
import { displayName } from '../../lib/certificate';
import { useProductName } from '../../lib/products';

/** The columns of R7. */
export function useAlertColumns(
  open: (id: string) => void,
  openSteps: (id: string) => void,
): Column<Installation>[] {
  const { t } = useTranslation();
  const productName = useProductName();
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
        className: 'col-tight',
        cell: (row) => <span className="mono">{row.store}</span>,
      },
      {
        id: 'common_name',
        header: t('col.common_name'),
        sort: 'common_name',
        cell: (row) => (
          <span className="cell-main">
            <button type="button" className="row-link" onClick={() => open(row.id)}>
              {row.common_name || displayName(row.subject)}
            </button>
            {row.acknowledgement != null && (
              <span title={row.acknowledgement.reason}>
                <Badge tone="muted" icon={IconBellOff}>
                  {t('ack.badge')}
                </Badge>
              </span>
            )}
          </span>
        ),
      },
      {
        id: 'product',
        header: t('col.product'),
        className: 'col-wide',
        cell: (row) => productName(row.product),
      },
      {
        id: 'type',
        header: t('col.type'),
        className: 'col-wide',
        cell: (row) => (
          <span className="cell-main">
            <span>{t(`kind.${row.kind}`)}</span>
            <span className="cell-second">{row.self_signed ? t('d.self_signed') : t('d.ca_signed')}</span>
          </span>
        ),
      },
      {
        id: 'cluster',
        header: t('col.cluster'),
        cell: (row) => (
          <Link to="/clusters/$clusterId/$tab" params={{ clusterId: row.cluster.id, tab: row.kind }}>
            {row.cluster.name}
          </Link>
        ),
      },
      { id: 'node', header: t('col.server_name'), cell: (row) => row.node.name },
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
        cell: (row) =>
          row.kind === 'trust' ? (
            <TrustRowMenu
              certificateId={row.certificate_id}
              name={`${row.common_name || displayName(row.subject)}, ${row.node.name}`}
            />
          ) : (
            <InstallationRowMenu installation={row} onSteps={() => openSteps(row.id)} />
          ),
      },
    ],
    [t, productName, open, openSteps],
  );
}
