import '../features/profile/profile.css';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { IconChevronLeft } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { profileQuery } from '../api/profile-queries';
import { Badge, Tag } from '../components/Badge';
import { PageHeader } from '../components/PageHeader';
import { Lines, LoadError } from '../components/States';
import { ProfileDialogs } from '../features/profile/ProfileDialogs';
import { ProfileEditor } from '../features/profile/ProfileEditor';
import { ProfileMenu } from '../features/profile/ProfileMenu';
import { useView } from '../lib/view';

/** One profile: what it wants of each purpose of each product. */
export function ProfilePage() {
  const { t } = useTranslation();
  const { profileId } = useParams({ from: '/app/profiles/$profileId' });
  const [view, change] = useView();
  const read = useQuery(profileQuery(profileId));
  if (read.data === undefined) {
    return (
      <div className="page">
        {read.isError ? (
          <LoadError page error={read.error} retry={() => void read.refetch()} />
        ) : (
          <Lines count={8} />
        )}
      </div>
    );
  }
  const profile = read.data.data;
  return (
    <div className="page">
      <PageHeader
        above={
          <Link to="/profiles" className="page-back">
            <IconChevronLeft size={15} aria-hidden />
            {t('nav.profiles')}
          </Link>
        }
        title={profile.name}
        mark={
          <>
            {profile.is_default && <Badge tone="valid">{t('profiles.default')}</Badge>}
            {profile.built_in && <Tag>{t('profiles.built_in')}</Tag>}
          </>
        }
        sub={
          <>
            <span>
              <Link to="/clusters" search={{ profile: profile.id }}>
                {t('clusters.count', { count: profile.cluster_count })}
              </Link>
            </span>
            {profile.description !== '' && <span>{profile.description}</span>}
          </>
        }
        actions={<ProfileMenu profile={profile} onDo={(what) => change({ do: what })} />}
      />
      <ProfileEditor key={`${profile.id} ${profile.revision}`} tagged={read.data} />
      <ProfileDialogs profile={profile} doing={view.do} onClose={() => change({ do: undefined })} />
    </div>
  );
}
