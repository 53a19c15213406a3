import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';

type Words = (key: string, values?: Record<string, string>) => string | null;

/** The reader's words for a code of the server, by a key as `warning.trust_deleted`; null where its own sentence is the one to show: in
 * English, which names more, or without words. */
export function useServerWords(): Words {
  const { t, i18n } = useTranslation();
  return useCallback(
    (key, values) => (i18n.language === 'en' || !i18n.exists(key) ? null : t(key, values)),
    [t, i18n, i18n.language],
  );
}

/** A sentence of the server where no mark-up can stand: without the backticks around names. */
export function plainText(text: string): string {
  return text.replaceAll('`', '');
}
