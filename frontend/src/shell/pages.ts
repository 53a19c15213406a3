import type { LinkProps } from '@tanstack/react-router';
import {
  IconArchive,
  IconBell,
  IconCalendarEvent,
  IconCertificate,
  IconClipboardList,
  IconFileCertificate,
  IconHistory,
  IconLayoutDashboard,
  IconMail,
  IconReplace,
  IconRobot,
  IconServer2,
  IconServerCog,
  IconSettings,
  IconShieldCheck,
  IconShieldX,
  IconUsers,
  type Icon,
} from '@tabler/icons-react';

/** A page of the main menu. */
export interface Entry {
  to: LinkProps['to'];
  params?: { tab: string };
  key: string;
  icon: Icon;
  /** What one has to be allowed for the page to answer. */
  needs?: string;
  badge?: 'alerts' | 'jobs';
}

/** The pages by section, in the order of the menu. */
export const SECTIONS: { key: string | null; entries: Entry[] }[] = [
  { key: null, entries: [{ to: '/', key: 'nav.overview', icon: IconLayoutDashboard }] },
  {
    key: 'nav.monitor',
    entries: [
      { to: '/alerts', key: 'nav.alerts', icon: IconBell, badge: 'alerts' },
      { to: '/calendar', key: 'nav.calendar', icon: IconCalendarEvent },
      { to: '/messages', key: 'nav.messages', icon: IconMail, needs: 'read_alerts' },
    ],
  },
  {
    key: 'nav.inventory',
    entries: [
      { to: '/clusters', key: 'nav.clusters', icon: IconServer2 },
      { to: '/certificates', key: 'nav.certificates', icon: IconCertificate },
      { to: '/agents', key: 'nav.agents', icon: IconRobot },
    ],
  },
  {
    key: 'nav.housekeeping',
    entries: [
      { to: '/trust-hygiene', key: 'nav.hygiene', icon: IconShieldX },
      { to: '/root-changes', key: 'nav.root_changes', icon: IconReplace },
      { to: '/server-only-certificates', key: 'nav.server_only', icon: IconServerCog },
      { to: '/quarantine', key: 'nav.quarantine', icon: IconArchive },
    ],
  },
  {
    key: 'nav.automation',
    entries: [
      { to: '/jobs', key: 'nav.jobs', icon: IconClipboardList, badge: 'jobs' },
      { to: '/csrs', key: 'nav.csrs', icon: IconFileCertificate },
      { to: '/profiles', key: 'nav.profiles', icon: IconShieldCheck },
    ],
  },
  {
    key: 'nav.administration',
    entries: [
      { to: '/audit', key: 'nav.audit', icon: IconHistory, needs: 'read_audit' },
      {
        to: '/people/$tab',
        params: { tab: 'members' },
        key: 'nav.people',
        icon: IconUsers,
        needs: 'read_people',
      },
      { to: '/settings/$tab', params: { tab: 'notifications' }, key: 'nav.settings', icon: IconSettings },
    ],
  },
];

/** The pages that somebody with these permissions is shown. */
export function pagesFor(permissions: string[]): { key: string; link: Pick<LinkProps, 'to' | 'params'> }[] {
  return SECTIONS.flatMap(({ entries }) => entries)
    .filter(({ needs }) => needs === undefined || permissions.includes(needs))
    .map(({ key, to, params }) => ({ key, link: { to, params } as Pick<LinkProps, 'to' | 'params'> }));
}
