import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { historyQuery } from '../../api/queries';
import type { HistoryEvent } from '../../api/types';
import { Lines, LoadError, MoreRows } from '../../components/States';
import { Time } from '../../components/Time';
import { useList } from '../../lib/use-list';

/** What happened to one place of a node: which certificate came when, by which job. */
export function History({ installationId }: { installationId: string }) {
  const { t } = useTranslation();
  const history = useList<HistoryEvent>(historyQuery(installationId));
  if (history.rows === undefined) {
    return (
      <section className="panel-section">
        {history.error === null ? (
          <Lines count={5} />
        ) : (
          <LoadError error={history.error} retry={history.retry} />
        )}
      </section>
    );
  }
  if (history.rows.length === 0) {
    return <p className="panel-section dim">{t('history.none')}</p>;
  }
  return (
    <section className="panel-section">
      <ol className="history">
        {history.rows.map((event) => (
          <li key={event.id}>
            <strong>{t(`history.${event.event}`, { defaultValue: event.event })}</strong>{' '}
            <Time value={event.at} className="dim" />
            {event.common_name != null && <div>{event.common_name}</div>}
            {event.actor != null && <div className="dim">{event.actor}</div>}
            {event.not_after != null && (
              <div className="dim">
                {t('history.until')} <Time value={event.not_after} show="date" />
              </div>
            )}
            {event.job_id != null && (
              <div>
                <Link to="/jobs/$jobId" params={{ jobId: event.job_id }}>
                  {t('history.job')}
                </Link>
              </div>
            )}
          </li>
        ))}
      </ol>
      <MoreRows list={history} />
    </section>
  );
}
