import { Button } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useNewVersion } from '../lib/server-version';

/** Says that the server was updated under these pages. When to load them anew is the user's choice: a form may be half filled in. */
export function VersionBanner() {
  const { t } = useTranslation();
  const version = useNewVersion();
  return (
    <div role="status">
      {version !== null && (
        <div className="banner banner-notice">
          <IconRefresh size={18} aria-hidden />
          <span>{t('shell.new_version', { version })}</span>
          <Button size="compact-sm" variant="default" onClick={() => window.location.reload()}>
            {t('act.reload')}
          </Button>
        </div>
      )}
    </div>
  );
}
