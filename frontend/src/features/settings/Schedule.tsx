import { useTranslation } from 'react-i18next';
import { Time } from '../../components/Time';
import { useRuleWords } from '../rule/use-rule-words';
import { slotDays, weeklySlots, type Slots } from './slots';

interface ScheduleProps {
  form: Slots & { recipients: string[]; digest_weekday?: number | null };
  sweptAt: string | null | undefined;
}

/** The settings in words and as a line: when which mail about one certificate goes out. */
export function Schedule({ form, sweptAt }: ScheduleProps) {
  const { t } = useTranslation();
  const words = useRuleWords();
  const weekday = form.digest_weekday ?? null;
  const days = slotDays(weekday === null ? form : weeklySlots(form));
  const first = Math.min(...days);
  const last = Math.max(...days, 1);
  const place = (day: number) => ((day - first) / (last - first)) * 100;
  const before = days.filter((day) => day < 0).length;
  const after = days.filter((day) => day > 0).length;
  return (
    <section className="card settings-card" aria-labelledby="schedule-title">
      <h2 id="schedule-title">{t('settings.schedule')}</h2>
      <p>
        {t('settings.first_mail', { count: form.start_days })}{' '}
        {weekday === null
          ? t('settings.then_every', { count: form.frequency_days })
          : t('settings.then_digest', { day: words.weekday(weekday) })}{' '}
        {weekday !== null
          ? ''
          : form.repeat_expired_days > 0
            ? t('settings.repeat_text', {
                count: form.repeat_expired_days,
                until: form.repeat_expired_until_days,
              })
            : t('settings.repeat_never')}
      </p>
      <div className="slots" aria-hidden>
        <svg viewBox="0 0 100 10" preserveAspectRatio="none">
          <rect className="slots-line" y="4.6" width="100" height="0.8" />
          {days.map((day) => (
            <rect
              key={day}
              className={day < 0 ? 'slot-before' : day === 0 ? 'slot-end' : 'slot-after'}
              x={Math.min(99.2, place(day))}
              y={day === 0 ? 0 : 2}
              width="0.8"
              height={day === 0 ? 10 : 6}
            />
          ))}
        </svg>
        <div className="slots-words">
          <span>{t('settings.slot_first', { count: -first })}</span>
          <span>{t('settings.slot_end')}</span>
          <span>{after > 0 ? t('settings.slot_last', { count: last }) : ''}</span>
        </div>
      </div>
      <dl className="facts">
        <div>
          <dt>{t('settings.mails_before')}</dt>
          <dd>{before}</dd>
        </div>
        <div>
          <dt>{t('settings.mails_after')}</dt>
          <dd>{after + 1}</dd>
        </div>
        <div>
          <dt>{t('settings.swept')}</dt>
          <dd>{sweptAt == null ? t('clusters.never') : <Time value={sweptAt} />}</dd>
        </div>
      </dl>
      {form.recipients.length === 0 && <p className="note note-warning">{t('settings.nobody')}</p>}
    </section>
  );
}
