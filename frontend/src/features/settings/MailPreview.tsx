import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { mailPreviewQuery } from '../../api/settings-queries';
import { Lines, LoadError } from '../../components/States';
import { LANGUAGES } from '../../i18n';
import { TestMail } from './TestMail';

/** The mail as it would leave now, in any language; and a test of it. */
export function MailPreview({ language, to }: { language: string; to: string | undefined }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState(language);
  const preview = useQuery(mailPreviewQuery(chosen));
  return (
    <section className="card settings-card" aria-labelledby="preview-title">
      <div className="overview-head">
        <h2 id="preview-title">{t('settings.preview')}</h2>
        <Select
          className="preview-language"
          aria-label={t('settings.mail_language')}
          size="xs"
          data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
          value={chosen}
          onChange={(next) => setChosen(next ?? chosen)}
        />
      </div>
      {preview.data === undefined ? (
        preview.isError ? (
          <LoadError error={preview.error} retry={() => void preview.refetch()} />
        ) : (
          <Lines count={6} />
        )
      ) : (
        <div className="mail">
          <div className="mail-subject">{preview.data.subject}</div>
          <pre tabIndex={0} aria-label={t('settings.preview')} lang={chosen}>
            {preview.data.text}
          </pre>
        </div>
      )}
      <TestMail to={to} />
    </section>
  );
}
