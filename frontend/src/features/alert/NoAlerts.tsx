import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconCertificate, IconShieldCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { nextEndQuery } from '../../api/queries';
import { EmptyState, Lines, LoadError } from '../../components/States';
import { Time, useNow } from '../../components/Time';
import { displayName } from '../../lib/certificate';
import { shortDate } from '../../lib/time';
import { useMe } from '../../shell/session';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Nothing burns: until when, and what comes next. A fleet of which nothing is known yet is no good news. */
export function NoAlerts() {
  const { t, i18n } = useTranslation();
  const { start_days: days } = useMe();
  const now = useNow();
  const read = useQuery(nextEndQuery);
  if (read.data === undefined) {
    if (read.isError) return <LoadError error={read.error} retry={() => void read.refetch()} />;
    return <Lines count={4} />;
  }
  const next = read.data.items[0];
  if (next === undefined) {
    return (
      <EmptyState
        icon={IconCertificate}
        title={t('identity.none')}
        actions={<Link to="/clusters">{t('nav.clusters')}</Link>}
      >
        {t('identity.none_text')}
      </EmptyState>
    );
  }
  const until = new Date(now + days * DAY_MS).toISOString();
  return (
    <EmptyState
      icon={IconShieldCheck}
      tone="valid"
      title={t('alerts.none', { date: shortDate(until, i18n.language) })}
    >
      {t('alerts.next')}{' '}
      <Link
        to="/clusters/$clusterId/$tab"
        params={{ clusterId: next.cluster.id, tab: next.kind }}
        search={{ cert: next.kind === 'trust' ? next.certificate_id : next.id }}
      >
        {next.common_name || displayName(next.subject)}
      </Link>
      , <Time value={next.not_after} show="end" />
    </EmptyState>
  );
}
