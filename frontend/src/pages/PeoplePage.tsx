import '../features/people/people.css';
import { Button, Tabs } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { IconPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { PageHeader } from '../components/PageHeader';
import { Members } from '../features/people/Members';
import { Roles } from '../features/people/Roles';
import { Tokens } from '../features/people/Tokens';
import { useView } from '../lib/view';
import { useMe } from '../shell/session';
import { NotFoundPage } from './ErrorPage';

const TABS = ['members', 'roles', 'tokens'] as const;

/** Who may do what: people, roles, and programs with tokens. */
export function PeoplePage() {
  const { t } = useTranslation();
  const { tab } = useParams({ from: '/app/people/$tab' });
  const navigate = useNavigate();
  const [, change] = useView();
  const mayManage = useMe().permissions.includes('manage_people');
  const current = TABS.find((name) => name === tab);
  if (current === undefined) return <NotFoundPage />;
  return (
    <div className="page">
      <PageHeader
        title={t('people.title')}
        sub={<span>{t(`people.sub_${current}`)}</span>}
        actions={
          mayManage &&
          current !== 'roles' && (
            <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ do: 'add' })}>
              {t(`people.add_${current}`)}
            </Button>
          )
        }
      />
      <Tabs
        keepMounted={false}
        value={current}
        onChange={(next) => void navigate({ to: '/people/$tab', params: { tab: next ?? 'members' } })}
      >
        <Tabs.List aria-label={t('people.title')}>
          {TABS.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {t(`people.${name}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={current}>
          {current === 'members' && <Members />}
          {current === 'roles' && <Roles />}
          {current === 'tokens' && <Tokens />}
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}
