import '../features/message/message.css';
import '../features/settings/settings.css';
import { Tabs } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { IconLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { PageHeader } from '../components/PageHeader';
import { EmptyState } from '../components/States';
import { RuleSettings } from '../features/rule/RuleSettings';
import { AccountSettings } from '../features/settings/AccountSettings';
import { AppearanceSettings } from '../features/settings/AppearanceSettings';
import { ChannelSettings } from '../features/settings/ChannelSettings';
import { MailSettings } from '../features/settings/MailSettings';
import { NotificationSettings } from '../features/settings/NotificationSettings';
import { useMe } from '../shell/session';
import { NotFoundPage } from './ErrorPage';

const TABS = ['notifications', 'rules', 'channels', 'mail', 'appearance', 'account'] as const;
type Tab = (typeof TABS)[number];

export function SettingsPage() {
  const { t } = useTranslation();
  const { tab } = useParams({ from: '/app/settings/$tab' });
  const navigate = useNavigate();
  const current = TABS.find((name) => name === tab);
  if (current === undefined) return <NotFoundPage />;
  return (
    <div className="page">
      <PageHeader title={t('settings.title')} sub={<span>{t(`settings.sub_${current}`)}</span>} />
      <Tabs
        keepMounted={false}
        value={current}
        onChange={(next) => void navigate({ to: '/settings/$tab', params: { tab: next ?? 'notifications' } })}
      >
        <Tabs.List aria-label={t('settings.title')}>
          {TABS.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {t(`settings.${name}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={current}>
          <div className="settings">
            <TabContent tab={current} />
          </div>
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}

function TabContent({ tab }: { tab: Tab }) {
  const { permissions } = useMe();
  const readsAlerts = permissions.includes('read_alerts');
  switch (tab) {
    case 'notifications':
      return readsAlerts ? <NotificationSettings /> : <NotForYou />;
    case 'rules':
      return readsAlerts ? <RuleSettings /> : <NotForYou />;
    case 'channels':
      return readsAlerts ? <ChannelSettings /> : <NotForYou />;
    case 'mail':
      return readsAlerts ? <MailSettings /> : <NotForYou />;
    case 'appearance':
      return <AppearanceSettings />;
    case 'account':
      return <AccountSettings />;
  }
}

function NotForYou() {
  const { t } = useTranslation();
  return (
    <div className="card">
      <EmptyState icon={IconLock} title={t('settings.not_for_you')}>
        {t('settings.not_for_you_text')}
      </EmptyState>
    </div>
  );
}
