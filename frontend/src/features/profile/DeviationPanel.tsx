import { Link } from '@tanstack/react-router';
import { IconShieldCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { deviationsQuery } from '../../api/profile-queries';
import type { ClusterCompliance, Installation } from '../../api/types';
import { Badge } from '../../components/Badge';
import { Panel } from '../../components/Panel';
import { EmptyState, Lines, LoadError, MoreRows } from '../../components/States';
import { useList } from '../../lib/use-list';
import { usePermissions } from '../../shell/session';
import { Differences } from './Differences';
import { FixButton } from './FixDialog';

interface DeviationPanelProps {
  clusterId: string;
  row: ClusterCompliance | undefined;
  onClose: () => void;
}

/** What differs in a cluster, certificate by certificate. */
export function DeviationPanel({ clusterId, row, onClose }: DeviationPanelProps) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const list = useList<Installation>(deviationsQuery(clusterId));
  return (
    <Panel
      mark={
        row !== undefined && (
          <Badge tone={row.different > 0 ? 'warning' : 'valid'}>
            {row.different > 0 ? t('compliance.no') : t('compliance.yes')}
          </Badge>
        )
      }
      title={row?.cluster.name ?? t('compliance.title')}
      sub={row !== undefined && <span>{row.profile.name}</span>}
      onClose={onClose}
      rowId={clusterId}
    >
      {operate && (row?.different ?? 0) > 0 && (
        <div className="panel-actions">
          <FixButton clusterIds={[clusterId]} label={t('fix.cluster')} />
        </div>
      )}
      {list.rows === undefined ? (
        <div className="panel-section">
          {list.error === null ? <Lines count={8} /> : <LoadError error={list.error} retry={list.retry} />}
        </div>
      ) : list.rows.length === 0 ? (
        <EmptyState icon={IconShieldCheck} tone="valid" title={t('compliance.none')} />
      ) : (
        list.rows.map((installation) => <Deviation key={installation.id} installation={installation} />)
      )}
      <MoreRows list={list} />
    </Panel>
  );
}

function Deviation({ installation }: { installation: Installation }) {
  return (
    <section className="panel-section deviation">
      <h3>
        <Link
          to="/clusters/$clusterId/$tab"
          params={{ clusterId: installation.cluster.id, tab: 'identity' }}
          search={{ cert: installation.id }}
        >
          {installation.store} · {installation.node.name}
        </Link>
      </h3>
      <Differences differences={installation.compliance?.differences ?? []} />
    </section>
  );
}
