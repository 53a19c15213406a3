import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { alertSummaryQuery } from '../../api/queries';
import { ALERT_STATUSES, KINDS, type Alerts } from './use-alerts';

/** A figure for each kind and status. Each is a button that shows its rows only, and once more all. */
export function AlertTotals({ alerts }: { alerts: Alerts }) {
  const { t } = useTranslation();
  const summary = useQuery(alertSummaryQuery({ product: alerts.products })).data;
  return (
    <div className="tiles" role="group" aria-label={t('alerts.totals')}>
      {KINDS.flatMap((kind) =>
        ALERT_STATUSES.map((status) => {
          const count = summary?.[kind][status];
          const pressed = alerts.kind === kind && alerts.status === status;
          return (
            <button
              key={`${kind} ${status}`}
              type="button"
              className="card tile"
              aria-pressed={pressed}
              onClick={() =>
                alerts.change(pressed ? { kind: undefined, status: undefined } : { kind, status })
              }
            >
              <span className="tile-head">
                <span className={`dot dot-${status}`} aria-hidden />
                {t(`status.${status}`)}
              </span>
              <strong
                className={count === undefined || count === 0 ? 'tile-count' : `tile-count is-${status}`}
              >
                {count ?? '–'}
              </strong>
              <span className="dim">{t(`card.${kind}`)}</span>
            </button>
          );
        }),
      )}
    </div>
  );
}
