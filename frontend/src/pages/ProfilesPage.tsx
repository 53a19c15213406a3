import '../features/profile/profile.css';
import { Button } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { IconPlus, IconTableOptions } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { profilesQuery } from '../api/profile-queries';
import type { Profile } from '../api/types';
import { Badge, Tag } from '../components/Badge';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { SearchField } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { NewProfileDialog } from '../features/profile/NewProfileDialog';
import { ProfileDialogs } from '../features/profile/ProfileDialogs';
import { ProfileMenu } from '../features/profile/ProfileMenu';
import { useList, useRow } from '../lib/use-list';
import { useView } from '../lib/view';
import { useMe } from '../shell/session';

/** What is wanted of identity certificates: the profiles. */
export function ProfilesPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const navigate = useNavigate();
  const mayMake = useMe().permissions.includes('manage_profiles');
  const filter = { search: view.q };
  const list = useList<Profile>(profilesQuery(filter));
  const meant = useRow(list, view.profile ?? null, ({ id }) => id);
  const columns = useProfileColumns((what, profile) => change({ do: what, profile: profile.id }));
  return (
    <div className="page">
      <PageHeader
        title={t('profiles.title')}
        sub={<span>{t('profiles.sub')}</span>}
        actions={
          <>
            <Button
              variant="default"
              leftSection={<IconTableOptions size={16} aria-hidden />}
              renderRoot={(props) => <Link {...props} to="/compliance" />}
            >
              {t('compliance.title')}
            </Button>
            {mayMake && (
              <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ do: 'add' })}>
                {t('profiles.add')}
              </Button>
            )}
          </>
        }
      />
      <div className="card">
        <div className="filters" role="search">
          <SearchField
            label={t('profiles.search')}
            value={view.q ?? ''}
            onChange={(q) => change({ q: q || undefined }, { replace: true })}
          />
          <div className="filters-end">
            <CsvButton href={csvHref('/api/v1/profiles.csv', { query: filter })} />
          </div>
        </div>
        <DataTable
          label={t('profiles.title')}
          columns={columns}
          rows={list.rows}
          rowId={(profile) => profile.id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          onOpen={(profile) =>
            void navigate({ to: '/profiles/$profileId', params: { profileId: profile.id } })
          }
          empty={<NoMatch onClear={() => change({ q: undefined })} />}
        />
      </div>
      <NewProfileDialog opened={view.do === 'add'} onClose={() => change({ do: undefined })} />
      <ProfileDialogs
        profile={meant}
        doing={view.do}
        onClose={() => change({ do: undefined, profile: undefined })}
      />
    </div>
  );
}

function useProfileColumns(onDo: (what: string, profile: Profile) => void): Column<Profile>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('field.name'),
        cell: (profile) => (
          <span className="cell-main">
            <span className="profile-name">
              <Link className="cell-name" to="/profiles/$profileId" params={{ profileId: profile.id }}>
                {profile.name}
              </Link>
              {profile.is_default && <Badge tone="valid">{t('profiles.default')}</Badge>}
              {profile.built_in && <Tag>{t('profiles.built_in')}</Tag>}
            </span>
            <span className="cell-second">
              {profile.built_in ? t('profiles.built_in_text') : profile.description}
            </span>
          </span>
        ),
      },
      {
        id: 'clusters',
        header: t('nav.clusters'),
        className: 'col-number',
        cell: (profile) => (
          <Link to="/clusters" search={{ profile: profile.id }}>
            {profile.cluster_count}
          </Link>
        ),
      },
      {
        id: 'purposes',
        header: t('profiles.purposes'),
        className: 'col-number col-wide',
        cell: (profile) => profile.settings.length,
      },
      {
        id: 'changed',
        header: t('settings.changed'),
        className: 'col-tight',
        cell: (profile) => (profile.updated_at == null ? '–' : <Time value={profile.updated_at} />),
      },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (profile) => <ProfileMenu profile={profile} onDo={(what) => onDo(what, profile)} />,
      },
    ],
    [t, onDo],
  );
}
