import '../features/message/message.css';
import '../features/settings/settings.css';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { IconChevronLeft } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { ruleQuery } from '../api/settings-queries';
import { PageHeader } from '../components/PageHeader';
import { Lines, LoadError } from '../components/States';
import { RuleForm } from '../features/rule/RuleForm';

/** The form of a rule of notifications: of one that is there, or of a new one at `/settings/rules/new`. */
export function RulePage() {
  const { ruleId } = useParams({ from: '/app/settings/rules/$ruleId' });
  return ruleId === 'new' ? <NewRule /> : <StoredRule id={ruleId} />;
}

function NewRule() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <PageHeader above={<Back />} title={t('rules.add')} sub={<span>{t('rules.new_text')}</span>} />
      <RuleForm tagged={undefined} />
    </div>
  );
}

function StoredRule({ id }: { id: string }) {
  const read = useQuery(ruleQuery(id));
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
  return (
    <div className="page">
      <PageHeader above={<Back />} title={read.data.data.name} />
      <RuleForm key={read.data.etag} tagged={read.data} />
    </div>
  );
}

function Back() {
  const { t } = useTranslation();
  return (
    <Link to="/settings/$tab" params={{ tab: 'rules' }} className="page-back">
      <IconChevronLeft size={15} aria-hidden />
      {t('settings.rules')}
    </Link>
  );
}
