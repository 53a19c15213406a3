import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconChevronRight } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { fleetMapQuery } from '../../api/overview-queries';
import type { Cluster } from '../../api/types';
import { LoadError } from '../../components/States';
import { heatOf, type Heat } from './heat';
import { useRoving } from './use-roving';

const LEGEND: Heat[] = ['expired', 'expiring', 'valid', 'unreachable', 'unknown'];

interface Site {
  id: string;
  name: string;
  clusters: Cluster[];
}

function sitesOf(clusters: Cluster[], language: string): Site[] {
  const sites = new Map<string, Site>();
  for (const cluster of clusters) {
    const site = sites.get(cluster.group.id) ?? { ...cluster.group, clusters: [] };
    site.clusters.push(cluster);
    sites.set(site.id, site);
  }
  return [...sites.values()].sort((a, b) => a.name.localeCompare(b.name, language));
}

/** A square for each cluster, by group: where it burns, at one look. */
export function FleetMap() {
  const { t, i18n } = useTranslation();
  const map = useQuery(fleetMapQuery);
  const sites = useMemo(() => sitesOf(map.data?.clusters ?? [], i18n.language), [map.data, i18n.language]);
  // One stop for Tab, however many clusters there are: the arrow keys walk on the map.
  const { stop, rover } = useRoving(sites[0]?.clusters[0]?.id);
  return (
    <section className="card overview-card" aria-labelledby="map-title">
      <div className="overview-head">
        <h2 id="map-title">{t('overview.map')}</h2>
        <Link to="/clusters" className="overview-link">
          {t('nav.clusters')}
          <IconChevronRight size={15} aria-hidden />
        </Link>
      </div>
      {map.data === undefined && map.isError && (
        <LoadError error={map.error} retry={() => void map.refetch()} />
      )}
      {map.isPending && <Skeleton height={300} radius="md" />}
      <p className="visually-hidden" id="map-keys">
        {t('overview.map_keys')}
      </p>
      <div className="sites" role="group" aria-labelledby="map-title" aria-describedby="map-keys" {...rover}>
        {sites.map((site) => (
          <SiteMap key={site.id} site={site} stop={stop} />
        ))}
      </div>
      {map.data?.more === true && <p className="dim">{t('overview.map_more')}</p>}
      <ul className="legend">
        {LEGEND.map((heat) => (
          <li key={heat}>
            <span className={`heat heat-${heat}`} aria-hidden>
              {heat === 'expired' && '!'}
            </span>
            {t(`heat.${heat}`)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function SiteMap({ site, stop }: { site: Site; stop: string | undefined }) {
  const burning = site.clusters.filter((cluster) => heatOf(cluster) === 'expired').length;
  return (
    <div className="site">
      <h3>
        <Link to="/clusters" search={{ group: site.id }}>
          {site.name}
        </Link>
        <span className="figures">
          {burning > 0 && <strong className="text-expired">{burning}</strong>} {site.clusters.length}
        </span>
      </h3>
      <ul>
        {site.clusters.map((cluster) => (
          <li key={cluster.id}>
            <ClusterSquare cluster={cluster} isStop={cluster.id === stop} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A tooltip of the browser, not one of ours: there may be a thousand of them. */
function ClusterSquare({ cluster, isStop }: { cluster: Cluster; isStop: boolean }) {
  const { t } = useTranslation();
  const heat = heatOf(cluster);
  const expired = cluster.identity.expired + cluster.trust.expired;
  const expiring = cluster.identity.expiring + cluster.trust.expiring;
  const words = [
    `${cluster.name}: ${t(`heat.${heat}`)}`,
    expired > 0 ? t('counts.expired', { count: expired }) : null,
    expiring > 0 ? t('counts.expiring', { count: expiring }) : null,
  ]
    .filter((part) => part !== null)
    .join(', ');
  return (
    <Link
      className={`heat heat-${heat}`}
      to="/clusters/$clusterId/$tab"
      params={{ clusterId: cluster.id, tab: tabOf(cluster) }}
      data-square={cluster.id}
      tabIndex={isStop ? 0 : -1}
      title={words}
      aria-label={words}
    >
      {heat === 'expired' && <span aria-hidden>!</span>}
    </Link>
  );
}

/** The tab where the worst of a cluster is. */
function tabOf(cluster: Cluster): string {
  if (cluster.node_count === 0 || cluster.status === 'unreachable') return 'nodes';
  if (cluster.identity.expired > 0) return 'identity';
  if (cluster.trust.expired > 0) return 'trust';
  return cluster.identity.expiring === 0 && cluster.trust.expiring > 0 ? 'trust' : 'identity';
}
