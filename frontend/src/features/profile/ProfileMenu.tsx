import { Menu } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Profile } from '../../api/types';
import { RowMenu } from '../../components/RowMenu';
import { useMe } from '../../shell/session';

interface ProfileMenuProps {
  profile: Profile;
  onDo: (what: string) => void;
}

/** What can be done with a profile. What the built-in one cannot says why. */
export function ProfileMenu({ profile, onDo }: ProfileMenuProps) {
  const { t } = useTranslation();
  const { permissions } = useMe();
  const mayMake = permissions.includes('manage_profiles');
  return (
    <RowMenu name={profile.name}>
      <Menu.Item
        renderRoot={(props) => (
          <Link {...props} to="/profiles/$profileId" params={{ profileId: profile.id }} />
        )}
      >
        {profile.built_in || !mayMake ? t('profiles.open') : t('profiles.edit')}
      </Menu.Item>
      <Menu.Item
        renderRoot={(props) => <Link {...props} to="/compliance" search={{ profile: profile.id }} />}
      >
        {t('compliance.title')}
      </Menu.Item>
      {permissions.includes('manage_fleet') && (
        <Menu.Item onClick={() => onDo('assign')}>{t('profiles.assign')}</Menu.Item>
      )}
      {mayMake && <Menu.Item onClick={() => onDo('copy')}>{t('profiles.copy')}</Menu.Item>}
      {mayMake && (
        <Menu.Item disabled={profile.is_default} onClick={() => onDo('default')}>
          {t('profiles.make_default')}
          {profile.is_default && <span className="menu-reason">{t('profiles.is_default')}</span>}
        </Menu.Item>
      )}
      {mayMake && (
        <Menu.Item disabled={profile.built_in} onClick={() => onDo('delete')}>
          {t('profiles.delete')}
          {profile.built_in && <span className="menu-reason">{t('profiles.built_in_stays')}</span>}
        </Menu.Item>
      )}
    </RowMenu>
  );
}
