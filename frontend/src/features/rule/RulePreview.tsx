import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { rulePreviewQuery } from '../../api/settings-queries';
import { Lines, ProblemNote } from '../../components/States';
import { Time } from '../../components/Time';
import { bodyOf, startInDays, type Draft } from './draft';
import { useRuleWords } from './use-rule-words';

const DEBOUNCE_MS = 500;
/** Lifetimes of certificates, in days, by which a part of a lifetime is shown. */
const LIFETIMES = [398, 90, 47, 6];

interface RulePreviewProps {
  draft: Draft;
  nameOf: (field: string) => string | undefined;
}

/** The rule in words, and what it would tell of the certificates that are there now. */
export function RulePreview({ draft, nameOf }: RulePreviewProps) {
  const { t } = useTranslation();
  const words = useRuleWords();
  const [asked] = useDebouncedValue(draft, DEBOUNCE_MS);
  const ready = asked.name.trim() !== '' && asked.recipients.length + asked.channels.length > 0;
  const read = useQuery({
    ...rulePreviewQuery(bodyOf({ ...asked, enabled: true })),
    enabled: ready,
    placeholderData: keepPreviousData,
  });
  return (
    <section className="card settings-card" aria-labelledby="rule-preview">
      <h2 id="rule-preview">{t('settings.schedule')}</h2>
      <p>{words.pace(draft.pace)}</p>
      {draft.pace.unit === 'percent' && (
        <dl className="facts">
          {LIFETIMES.map((lifetime) => (
            <div key={lifetime}>
              <dt>{t('rules.lifetime', { span: words.span(lifetime) })}</dt>
              <dd>{t('rules.before', { span: words.span(startInDays(draft.pace, lifetime)) })}</dd>
            </div>
          ))}
        </dl>
      )}
      <div role="status" aria-busy={read.isFetching} className="rule-preview">
        {!ready ? (
          <p className="dim">{t('rules.preview_wait')}</p>
        ) : read.error !== null ? (
          <ProblemNote error={read.error} nameOf={nameOf} />
        ) : read.data === undefined ? (
          <Lines count={3} />
        ) : (
          <>
            <p>
              <strong>{t('rules.covers', { count: read.data.certificates })}</strong>{' '}
              {t('rules.covers_due', { count: read.data.due })}
            </p>
            {!read.data.complete && <p className="dim">{t('rules.preview_part')}</p>}
            {!draft.enabled && <p className="note note-warning">{t('rules.off_text')}</p>}
            {read.data.next.length > 0 && (
              <>
                <h3>{t('rules.next')}</h3>
                <dl className="facts">
                  {read.data.next.map((moment) => (
                    <div key={moment.at}>
                      <dt>
                        <Time value={moment.at} show="dateTime" />
                      </dt>
                      <dd>{t('rules.certificates', { count: moment.certificates })}</dd>
                    </div>
                  ))}
                </dl>
              </>
            )}
          </>
        )}
      </div>
    </section>
  );
}
