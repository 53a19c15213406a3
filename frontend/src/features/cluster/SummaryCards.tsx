import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconCertificate, IconClipboardList, IconShieldCheck, type Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { clusterSummaryQuery } from '../../api/queries';
import type { Cluster, Counts } from '../../api/types';
import { Bar } from '../../components/Counts';

/** Three cards: identity certificates, trust certificates, the month's jobs. Each figure leads to its rows. */
export function SummaryCards({ cluster }: { cluster: Cluster }) {
  const { t } = useTranslation();
  return (
    <div className="cards">
      <CertificateCard cluster={cluster} tab="identity" counts={cluster.identity} icon={IconCertificate} />
      <CertificateCard cluster={cluster} tab="trust" counts={cluster.trust} icon={IconShieldCheck} />
      <Card icon={IconClipboardList} title={t('card.jobs')}>
        <JobFigures cluster={cluster} />
      </Card>
    </div>
  );
}

interface CardProps {
  icon: Icon;
  title: string;
  total?: number;
  children: ReactNode;
}

function Card({ icon: Mark, title, total, children }: CardProps) {
  return (
    <section className="card summary" aria-label={title}>
      <div className="summary-head">
        <Mark size={18} stroke={1.7} aria-hidden />
        <span>{title}</span>
        {total !== undefined && <span className="figures">{total}</span>}
      </div>
      {children}
    </section>
  );
}

interface CertificateCardProps {
  cluster: Cluster;
  tab: 'identity' | 'trust';
  counts: Counts;
  icon: Icon;
}

const FIGURES = [
  { key: 'expired', dot: 'dot-expired' },
  { key: 'expiring', dot: 'dot-expiring' },
  { key: 'valid', dot: 'dot-valid' },
] as const;

function CertificateCard({ cluster, tab, counts, icon }: CertificateCardProps) {
  const { t } = useTranslation();
  return (
    <Card icon={icon} title={t(`card.${tab}`)} total={counts.total}>
      <Bar
        className="summary-bar"
        parts={[
          { value: counts.expired, tone: 'expired' },
          { value: counts.expiring, tone: 'warning' },
          { value: counts.valid, tone: 'valid' },
        ]}
      />
      <div className="summary-figures">
        {FIGURES.map(({ key, dot }) => (
          <Link
            key={key}
            to="/clusters/$clusterId/$tab"
            params={{ clusterId: cluster.id, tab }}
            search={{ status: key }}
            className={counts[key] > 0 ? `is-${key}` : undefined}
          >
            <span className={`dot ${dot}`} aria-hidden />
            <strong>{counts[key]}</strong> {t(`card.${key}`)}
          </Link>
        ))}
      </div>
    </Card>
  );
}

function JobFigures({ cluster }: { cluster: Cluster }) {
  const { t } = useTranslation();
  const jobs = useQuery(clusterSummaryQuery(cluster.id)).data?.jobs;
  const total = jobs?.total ?? 0;
  const pending = jobs?.pending ?? 0;
  const failed = jobs?.failed ?? 0;
  return (
    <>
      <Bar
        className="summary-bar"
        parts={[
          { value: failed, tone: 'expired' },
          { value: total - pending - failed, tone: 'valid' },
          { value: pending, tone: 'running' },
        ]}
      />
      <div className="summary-figures">
        <span className={failed > 0 ? 'is-expired' : undefined}>
          <span className="dot dot-expired" aria-hidden />
          <strong>{failed}</strong> {t('card.failed')}
        </span>
        <span>
          <span className="dot dot-valid" aria-hidden />
          <strong>{total - pending}</strong> {t('card.complete')}
        </span>
        <span>
          <span className="dot dot-running" aria-hidden />
          <strong>{pending}</strong> {t('card.pending')}
        </span>
      </div>
    </>
  );
}
