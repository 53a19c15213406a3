import { ActionIcon } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconBell, IconClipboardList, IconRobot, IconServer2, IconX, type Icon } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useOfflineSince } from '../lib/connection';
import { Logo } from './Logo';
import { useMe } from './session';

interface Entry {
  to: '/alerts' | '/clusters' | '/jobs' | '/agents';
  key: string;
  icon: Icon;
}

const SECTIONS: { key: string; entries: Entry[] }[] = [
  {
    key: 'nav.monitor',
    entries: [{ to: '/alerts', key: 'nav.alerts', icon: IconBell }],
  },
  {
    key: 'nav.inventory',
    entries: [
      { to: '/clusters', key: 'nav.clusters', icon: IconServer2 },
      { to: '/agents', key: 'nav.agents', icon: IconRobot },
    ],
  },
  {
    key: 'nav.automation',
    entries: [{ to: '/jobs', key: 'nav.jobs', icon: IconClipboardList }],
  },
];

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
      {SECTIONS.map((section) => (
        <div key={section.key} className="nav-section">
          <h2>{t(section.key)}</h2>
          <ul>
            {section.entries.map(({ to, key, icon: Mark }) => (
              <li key={to}>
                <Link to={to} className="nav-link" activeOptions={{ includeSearch: false }}>
                  <Mark size={19} stroke={1.7} aria-hidden />
                  <span>{t(key)}</span>
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
      <div className="sidebar-foot">
        <span className={offline ? 'dot dot-expired' : 'dot dot-valid'} aria-hidden />
        <span>{offline ? t('shell.offline_short') : t('shell.online')}</span>
        <span className="sidebar-version">v{me.version}</span>
      </div>
    </nav>
  );
}
