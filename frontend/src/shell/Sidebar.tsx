import { ActionIcon } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import { IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { overviewQuery, activeJobsQuery } from '../api/overview-queries';
import { useOfflineSince } from '../lib/connection';
import { Logo } from './Logo';
import { SECTIONS } from './pages';
import { useMe } from './session';

export function Sidebar({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const offline = useOfflineSince() !== null;
  return (
    <nav className={open ? 'sidebar is-open' : 'sidebar'} id="sidebar" aria-label={t('shell.nav')}>
      <div className="sidebar-top">
        <Logo />
        <ActionIcon className="sidebar-close" aria-label={t('act.close')} onClick={onClose}>
          <IconX size={20} aria-hidden />
        </ActionIcon>
      </div>
      <div className="org">
        <span className="org-letter" aria-hidden>
          {me.organisation.name.slice(0, 1).toUpperCase()}
        </span>
        <span className="org-text">
          <strong>{me.organisation.name}</strong>
          <span>{t(`role.${me.role}`)}</span>
        </span>
      </div>
      {SECTIONS.map(({ key: section, entries }) => {
        const seen = entries.filter(({ needs }) => needs === undefined || me.permissions.includes(needs));
        if (seen.length === 0) return null;
        return (
          <div key={section} className="nav-section">
            {section !== null && <h2>{t(section)}</h2>}
            <ul>
              {seen.map(({ to, params, key, icon: Mark, badge }) => (
                <li key={key}>
                  <Link
                    {...({ to, params } as LinkProps)}
                    className="nav-link"
                    activeOptions={{ includeSearch: false, exact: to === '/' }}
                  >
                    <Mark size={19} stroke={1.7} aria-hidden />
                    <span>{t(key)}</span>
                    {badge !== undefined && <NavBadge of={badge} />}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
      <div className="sidebar-foot">
        <span className={offline ? 'dot dot-expired' : 'dot dot-valid'} aria-hidden />
        <span>{offline ? t('shell.offline_short') : t('shell.online')}</span>
        <span className="sidebar-version">v{me.version}</span>
      </div>
    </nav>
  );
}

/** A figure behind an entry, where there is something to look at. */
function NavBadge({ of }: { of: 'alerts' | 'jobs' }) {
  return of === 'alerts' ? <ExpiredBadge /> : <JobsBadge />;
}

function ExpiredBadge() {
  const { t } = useTranslation();
  const overview = useQuery(overviewQuery).data;
  const count = overview === undefined ? 0 : overview.identity.expired + overview.trust.expired;
  if (count === 0) return null;
  return (
    <span className="nav-badge tone-expired">
      <span aria-hidden>{count}</span>
      <span className="visually-hidden">{t('counts.expired', { count })}</span>
    </span>
  );
}

function JobsBadge() {
  const { t } = useTranslation();
  const count = useQuery(activeJobsQuery).data?.count ?? 0;
  if (count === 0) return null;
  return (
    <span className="nav-badge tone-running">
      <span aria-hidden>{count}</span>
      <span className="visually-hidden">{t('nav.running', { count })}</span>
    </span>
  );
}
