import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconShieldCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { deviationsQuery } from '../../api/profile-queries';
import type { ClusterCompliance, Installation } from '../../api/types';
import { Badge } from '../../components/Badge';
import { Panel } from '../../components/Panel';
import { EmptyState, Lines, LoadError } from '../../components/States';
import { Differences } from './Differences';

interface DeviationPanelProps {
  clusterId: string;
  row: ClusterCompliance | undefined;
  onClose: () => void;
}

/** What differs in a cluster, certificate by certificate. */
export function DeviationPanel({ clusterId, row, onClose }: DeviationPanelProps) {
  const { t } = useTranslation();
  const read = useQuery(deviationsQuery(clusterId));
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
      {read.data === undefined ? (
        <div className="panel-section">
          {read.isError ? (
            <LoadError error={read.error} retry={() => void read.refetch()} />
          ) : (
            <Lines count={8} />
          )}
        </div>
      ) : read.data.items.length === 0 ? (
        <EmptyState icon={IconShieldCheck} tone="valid" title={t('compliance.none')} />
      ) : (
        read.data.items.map((installation) => <Deviation key={installation.id} installation={installation} />)
      )}
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
