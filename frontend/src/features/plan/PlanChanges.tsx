import { IconGitCompare } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { PlanChange } from '../../api/types';
import type { Problem } from '../../api/problem';

/** The inventory moved under the plan: what is different now, node by node. */
export function PlanChanges({ problem }: { problem: Problem }) {
  const { t } = useTranslation();
  const changes = Array.isArray(problem.changes) ? (problem.changes as PlanChange[]) : [];
  return (
    <div className="note note-warning" role="alert">
      <IconGitCompare size={18} aria-hidden />
      <div>
        <strong>{t('plan.changed')}</strong>
        {changes.length === 0 && <p>{problem.detail}</p>}
        <ul>
          {changes.map((change, index) => (
            <li key={index}>
              {change.node.name}
              {change.purpose !== null && ` · ${change.purpose}`}: {change.message}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
