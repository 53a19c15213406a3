import { Button } from '@mantine/core';
import { IconCloudOff } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Time } from '../components/Time';
import { useOfflineSince } from '../lib/connection';

/** Says that what is on screen is old, and since when. */
export function OfflineBanner() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const since = useOfflineSince();
  return (
    <div role="status">
      {since !== null && (
        <div className="banner banner-offline">
          <IconCloudOff size={18} aria-hidden />
          <span>{t('shell.offline')}</span>
          <Time value={new Date(since).toISOString()} />
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => void client.refetchQueries({ type: 'active' })}
          >
            {t('act.retry')}
          </Button>
        </div>
      )}
    </div>
  );
}
