import { useTranslation } from 'react-i18next';
import { PageHeader } from '../components/PageHeader';
import { JobsList } from '../features/job/JobsList';

export function JobsPage() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <PageHeader title={t('jobs.title')} sub={<span>{t('jobs.sub')}</span>} />
      <JobsList />
    </div>
  );
}
