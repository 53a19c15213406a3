import { useNavigate } from '@tanstack/react-router';
import { IconClipboardList } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Job } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyState } from '../../components/States';
import { useJobColumns } from '../job/JobsList';

/** The jobs that were made for a root change, the newest first. */
export function JobTable({ jobs }: { jobs: Job[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const columns = useJobColumns();
  return (
    <div className="card">
      <DataTable
        label={t('nav.jobs')}
        columns={columns}
        rows={jobs}
        rowId={(job) => job.id}
        loading={false}
        onOpen={(job) => void navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })}
        empty={
          <EmptyState icon={IconClipboardList} title={t('root.no_jobs')}>
            {t('root.no_jobs_text')}
          </EmptyState>
        }
      />
    </div>
  );
}
