import '../features/overview/overview.css';
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconServer2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { fleetMapQuery, overviewQuery } from '../api/overview-queries';
import type { Overview } from '../api/types';
import { PageHeader } from '../components/PageHeader';
import { EmptyState, LoadError } from '../components/States';
import { Time } from '../components/Time';
import { Attention } from '../features/overview/Attention';
import { FleetMap } from '../features/overview/FleetMap';
import { Kpis, KpisSkeleton } from '../features/overview/Kpis';
import { RunningJobs } from '../features/overview/RunningJobs';
import { WeekBars } from '../features/overview/WeekBars';

/** What burns, what comes, what waits, where it is, and whether the data is fresh. */
export function OverviewPage() {
  const { t } = useTranslation();
  const overview = useQuery(overviewQuery);
  const { data } = overview;
  return (
    <div className="page">
      <PageHeader title={t('overview.title')} sub={data !== undefined && <Freshness overview={data} />} />
      {data === undefined && overview.isError ? (
        <LoadError error={overview.error} retry={() => void overview.refetch()} />
      ) : data === undefined ? (
        <KpisSkeleton />
      ) : data.clusters === 0 ? (
        <NothingYet />
      ) : (
        <>
          <Kpis overview={data} />
          <div className="overview-grid">
            <div className="overview-side">
              <FleetMap />
              <WeekBars />
            </div>
            <div className="overview-side">
              <Attention overview={data} />
              <RunningJobs />
            </div>
          </div>
        </>
      )}
    </div>
  );
}

/** How much there is, and how old the oldest reading of a cluster is. */
function Freshness({ overview }: { overview: Overview }) {
  const { t } = useTranslation();
  const map = useQuery(fleetMapQuery).data;
  // Of a part of the fleet nothing can be said for all of it.
  const clusters = map === undefined || map.more ? [] : map.clusters;
  const read = clusters.filter((cluster) => cluster.inventory_at != null);
  const oldest = read.reduce<(typeof read)[number] | undefined>(
    (least, cluster) =>
      least === undefined || (cluster.inventory_at ?? '') < (least.inventory_at ?? '') ? cluster : least,
    undefined,
  );
  return (
    <>
      <span>{t('overview.certificates', { count: overview.identity.total + overview.trust.total })}</span>
      <span>
        <Link to="/clusters">{t('clusters.count', { count: overview.clusters })}</Link>
      </span>
      <span>{t('nodes.count', { count: overview.nodes })}</span>
      {oldest?.inventory_at != null && (
        <span>
          {t('overview.oldest')}{' '}
          <Link to="/clusters/$clusterId/$tab" params={{ clusterId: oldest.id, tab: 'nodes' }}>
            <Time value={oldest.inventory_at} />
          </Link>
        </span>
      )}
    </>
  );
}

function NothingYet() {
  const { t } = useTranslation();
  return (
    <div className="card">
      <EmptyState
        icon={IconServer2}
        title={t('overview.none')}
        actions={
          <Button renderRoot={(props) => <Link {...props} to="/clusters" />}>{t('overview.begin')}</Button>
        }
      >
        {t('overview.none_text')}
      </EmptyState>
    </div>
  );
}
