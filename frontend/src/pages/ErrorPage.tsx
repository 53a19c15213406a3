import { Button } from '@mantine/core';
import { useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { IconMapPinOff, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { EmptyState, Lines, ProblemNote } from '../components/States';
import { useTitle } from '../lib/use-title';

/** A page that broke or could not be loaded: what happened, and the way on. */
export function ErrorPage({ error }: ErrorComponentProps) {
  const { t } = useTranslation();
  const router = useRouter();
  useTitle(t('error.title'));
  return (
    <div className="lone">
      <div className="lone-card">
        <h1>{t('error.title')}</h1>
        <ProblemNote error={error} />
        <div className="form-actions">
          <Button
            leftSection={<IconRefresh size={16} aria-hidden />}
            onClick={() => void router.invalidate()}
          >
            {t('act.retry')}
          </Button>
        </div>
      </div>
    </div>
  );
}

export function NotFoundPage() {
  const { t } = useTranslation();
  useTitle(t('error.not_found'));
  return (
    <div className="lone" role="main">
      <EmptyState
        icon={IconMapPinOff}
        title={t('error.not_found')}
        actions={
          <Button component="a" href="/">
            {t('nav.overview')}
          </Button>
        }
      >
        {t('error.not_found_text')}
      </EmptyState>
    </div>
  );
}

export function PendingPage() {
  return (
    <div className="lone" aria-busy>
      <Lines count={5} />
    </div>
  );
}
