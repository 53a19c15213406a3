import { Button, Tabs } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { IconChevronLeft, IconRefresh } from '@tabler/icons-react';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { clusterQuery } from '../api/queries';
import type { Cluster } from '../api/types';
import { StateBadge } from '../components/Badge';
import { PageHeader } from '../components/PageHeader';
import { Lines, LoadError, useProblemText } from '../components/States';
import { Time } from '../components/Time';
import { IdentityTab } from '../features/cluster/IdentityTab';
import { JobsTab } from '../features/cluster/JobsTab';
import { NodesTab } from '../features/cluster/NodesTab';
import { SummaryCards } from '../features/cluster/SummaryCards';
import { TrustTab } from '../features/cluster/TrustTab';
import { refreshCluster } from '../features/cluster/refresh';
import { useProductName } from '../lib/products';
import { usePermissions } from '../shell/session';
import { NotFoundPage } from './ErrorPage';

const TABS = ['identity', 'trust', 'jobs', 'nodes'] as const;
type Tab = (typeof TABS)[number];

function isTab(text: string): text is Tab {
  return (TABS as readonly string[]).includes(text);
}

export function ClusterPage() {
  const { clusterId, tab } = useParams({ from: '/app/clusters/$clusterId/$tab' });
  const cluster = useQuery(clusterQuery(clusterId));
  if (!isTab(tab)) return <NotFoundPage />;
  if (cluster.data === undefined) {
    return (
      <div className="page">
        {cluster.isError ? (
          <LoadError page error={cluster.error} retry={() => void cluster.refetch()} />
        ) : (
          <Lines count={8} />
        )}
      </div>
    );
  }
  return <ClusterView cluster={cluster.data} tab={tab} />;
}

function ClusterView({ cluster, tab }: { cluster: Cluster; tab: Tab }) {
  const frame = (content: ReactNode) => (
    <>
      <ClusterHeader cluster={cluster} />
      <SummaryCards cluster={cluster} />
      <ClusterTabs cluster={cluster} tab={tab}>
        {content}
      </ClusterTabs>
    </>
  );
  const props = { cluster, frame };
  switch (tab) {
    case 'identity':
      return <IdentityTab {...props} />;
    case 'trust':
      return <TrustTab {...props} />;
    case 'jobs':
      return <JobsTab {...props} />;
    case 'nodes':
      return <NodesTab {...props} />;
  }
}

function ClusterHeader({ cluster }: { cluster: Cluster }) {
  const { t } = useTranslation();
  const productName = useProductName();
  return (
    <PageHeader
      above={
        <Link to="/clusters" className="page-back">
          <IconChevronLeft size={15} aria-hidden />
          {t('nav.clusters')}
        </Link>
      }
      title={cluster.name}
      mark={<StateBadge state={cluster.status} />}
      sub={
        <>
          <span>
            {productName(cluster.product)} {cluster.version}
          </span>
          <span>{cluster.group.name}</span>
          {cluster.inventory_at != null && (
            <span>
              {t('clusters.inventory')} <Time value={cluster.inventory_at} />
            </span>
          )}
        </>
      }
      actions={<RefreshButton cluster={cluster} />}
    />
  );
}

/** Reads the nodes again. It changes nothing on them, so it runs without a preview. */
function RefreshButton({ cluster }: { cluster: Cluster }) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const problemText = useProblemText();
  const navigate = useNavigate();
  const refresh = useMutation({
    mutationFn: () => refreshCluster(cluster.id),
    onSuccess: (job) => {
      notifications.show({
        color: 'brand',
        message: t('refresh.started'),
        onClick: () => void navigate({ to: '/jobs/$jobId', params: { jobId: job.id } }),
        closeButtonProps: { 'aria-label': t('act.close') },
      });
    },
    onError: (error) => {
      notifications.show({
        color: 'red',
        message: problemText(error),
        closeButtonProps: { 'aria-label': t('act.close') },
      });
    },
  });
  if (!operate || cluster.node_count === 0) return null;
  return (
    <Button
      variant="default"
      leftSection={<IconRefresh size={16} aria-hidden />}
      loading={refresh.isPending}
      onClick={() => refresh.mutate()}
    >
      {t('act.refresh')}
    </Button>
  );
}

function ClusterTabs({ cluster, tab, children }: { cluster: Cluster; tab: Tab; children: ReactNode }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <Tabs
      keepMounted={false}
      value={tab}
      onChange={(next) =>
        void navigate({
          to: '/clusters/$clusterId/$tab',
          params: { clusterId: cluster.id, tab: next ?? 'identity' },
        })
      }
    >
      <Tabs.List aria-label={t('clusters.parts')}>
        {TABS.map((name) => (
          <Tabs.Tab key={name} value={name}>
            {t(`tab.${name}`)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {TABS.map((name) => (
        <Tabs.Panel key={name} value={name}>
          {name === tab && children}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
