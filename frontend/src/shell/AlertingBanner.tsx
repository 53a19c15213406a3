import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconMailX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { overviewQuery } from '../api/overview-queries';
import { mendOf } from '../features/overview/trouble';
import { useMe } from './session';

/** Says on every page that nobody would be told if a certificate ended now, and where that is mended. */
export function AlertingBanner() {
  const { t } = useTranslation();
  const mayMend = useMe().permissions.includes('manage_alerts');
  const troubles = useQuery(overviewQuery).data?.alerting ?? [];
  const [first, ...others] = troubles;
  return (
    <div role="status">
      {first !== undefined && (
        <div className="banner banner-alarm">
          <IconMailX size={18} aria-hidden />
          <span>
            <strong>
              {t(`trouble.${first.code}`, { defaultValue: first.message, count: first.count })}.
            </strong>{' '}
            {t('overview.trouble_text')}{' '}
            {others.length > 0 && t('shell.more_troubles', { count: others.length })}
          </span>
          <Button
            size="compact-sm"
            variant="default"
            renderRoot={(props) => <Link {...props} {...mendOf(first.code)} />}
          >
            {mayMend ? t('overview.mend') : t('overview.look')}
          </Button>
        </div>
      )}
    </div>
  );
}
