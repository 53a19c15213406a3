import { IconGitCompare } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../../api/problem';

/** One fact of a target that is no longer as the plan found it; fingerprints in `before` and `after`. */
interface PlanChange {
  node: string;
  purpose: string;
  what: string;
  before: string;
  after: string;
}

const SHOWN_DIGITS = 16;

/** Enough of a fingerprint to tell two apart; other values are short. */
function shorten(value: string): string {
  return value.length > 2 * SHOWN_DIGITS ? `${value.slice(0, SHOWN_DIGITS)}…` : value || '–';
}

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
          {changes.map((change) => (
            <li key={`${change.node} ${change.purpose} ${change.what}`} className="named">
              {change.node} · {change.purpose} · {t(`change.${change.what}`, { defaultValue: change.what })}:{' '}
              <code>{shorten(change.before)}</code> → <code>{shorten(change.after)}</code>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
