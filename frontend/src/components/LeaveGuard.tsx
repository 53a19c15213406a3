import { useBlocker } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { ConfirmDialog } from './ConfirmDialog';

/** Asks before a page is left whose input was not stored; the browser asks where its tab is closed. */
export function LeaveGuard({ changed }: { changed: boolean }) {
  const { t } = useTranslation();
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => changed && current.pathname !== next.pathname,
    enableBeforeUnload: changed,
    withResolver: true,
  });
  return (
    <ConfirmDialog
      title={t('leave.title')}
      act={t('leave.act')}
      back={t('leave.stay')}
      opened={blocker.status === 'blocked'}
      busy={false}
      error={null}
      onAct={() => blocker.proceed?.()}
      onClose={() => blocker.reset?.()}
    >
      {t('leave.text')}
    </ConfirmDialog>
  );
}
