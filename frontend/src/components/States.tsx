import { Button, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconMapPinOff, IconRefresh, IconSearchOff, type Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/problem';
import { useTitle } from '../lib/use-title';
import { CopyIcon } from './Copy';
import { Prose } from './Prose';

interface EmptyProps {
  icon: Icon;
  /** Good news is green. */
  tone?: 'valid';
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}

/** What a list says when it has nothing: why, and what to do next. */
export function EmptyState({ icon: Mark, tone, title, children, actions }: EmptyProps) {
  return (
    <div className={tone === undefined ? 'empty' : `empty is-${tone}`}>
      <span className="empty-mark" aria-hidden>
        <Mark size={26} stroke={1.6} />
      </span>
      <h2>{title}</h2>
      {children !== undefined && <div className="empty-text">{children}</div>}
      {actions !== undefined && <div className="empty-actions">{actions}</div>}
    </div>
  );
}

/** The sentence for a refusal: by its code in the reader's language, else what the server said. */
export function useProblemText(): (error: unknown) => string {
  const { t, i18n } = useTranslation();
  return (error) => {
    if (!(error instanceof ApiError)) return t('problem.unexpected');
    const { code, detail, title } = error.problem;
    if (i18n.exists(`problem.${code}`)) return t(`problem.${code}`);
    // Its words are English; with a field that is wrong there is one sentence for all.
    if (error.problem.errors?.length) return t('problem.invalid');
    return detail ?? title ?? t('problem.unexpected');
  };
}

type FieldError = NonNullable<ApiError['problem']['errors']>[number];

/** What is wrong with one field: in English as the server says it, which knows the limits; else by its code. */
function useFieldText(): (error: FieldError) => string {
  const { t, i18n } = useTranslation();
  return ({ code, message }) => {
    const own = `field_error.${code}`;
    // These say all that there is to say; other codes stand for many a rule.
    if (EXACT_CODES.includes(code) && i18n.exists(own)) return t(own);
    if (i18n.language === 'en') return message;
    return i18n.exists(own) ? `${t(own)} (${message})` : message;
  };
}

const EXACT_CODES = ['bad_address', 'duplicate', 'required', 'missing', 'taken', 'wrong_password'];

/** What is wrong with each field of a form. */
export function useFieldErrors(error: unknown): (field: string) => string | undefined {
  const fieldText = useFieldText();
  return (field) => {
    if (!(error instanceof ApiError)) return undefined;
    const found = error.problem.errors?.find((item) => item.field === field);
    return found === undefined ? undefined : fieldText(found);
  };
}

interface ProblemNoteProps {
  error: unknown;
  /** What a field is called in the form, where its error names no field by itself. */
  nameOf?: (field: string) => string | undefined;
}

/** A refusal inside a form or panel: the sentence, its fields, and the request id to name to an administrator. */
export function ProblemNote({ error, nameOf }: ProblemNoteProps) {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const fieldText = useFieldText();
  const problem = error instanceof ApiError ? error.problem : undefined;
  const sentence = problemText(error);
  const errors = problem?.errors ?? [];
  const detail =
    errors.length === 0 && problem?.detail !== undefined && problem.detail !== sentence
      ? problem.detail
      : undefined;
  return (
    <div className="note note-expired" role="alert">
      <IconAlertTriangle size={18} aria-hidden />
      <div>
        <strong>
          <Prose text={sentence} />
        </strong>
        {detail !== undefined && (
          <p lang="en">
            <Prose text={detail} />
          </p>
        )}
        {errors.length > 0 && (
          <ul>
            {errors.map((item) => (
              <li key={`${item.field}${item.code}`}>
                {nameOf?.(item.field) !== undefined && <strong>{nameOf(item.field)}: </strong>}
                <Prose text={fieldText(item)} />
              </li>
            ))}
          </ul>
        )}
        {problem?.request_id !== undefined && (
          <p className="request-id">
            {t('problem.request_id')} <code>{problem.request_id}</code>
            <CopyIcon text={problem.request_id} label={t('act.copy')} />
          </p>
        )}
      </div>
    </div>
  );
}

interface LoadErrorProps {
  error: unknown;
  retry: () => void;
  /** It stands for the page as a whole. */
  page?: boolean;
}

/** A part of a page that could not be loaded, with the way to try again. */
export function LoadError({ error, retry, page = false }: LoadErrorProps) {
  const { t } = useTranslation();
  const missing = error instanceof ApiError && error.status === 404;
  useTitle(page ? t(missing ? 'error.not_found' : 'error.title') : undefined);
  if (missing) {
    return (
      <EmptyState icon={IconMapPinOff} title={t('error.not_found')}>
        {t('error.not_found_text')}
      </EmptyState>
    );
  }
  return (
    <div className="load-error">
      <ProblemNote error={error} />
      <Button variant="default" leftSection={<IconRefresh size={16} />} onClick={retry}>
        {t('act.retry')}
      </Button>
    </div>
  );
}

/** Grey bars where lines of text will stand. */
export function Lines({ count = 4 }: { count?: number }) {
  return (
    <div className="lines" aria-hidden>
      {Array.from({ length: count }, (_, index) => (
        <Skeleton key={index} height={14} radius="sm" width={`${90 - ((index * 17) % 45)}%`} />
      ))}
    </div>
  );
}

/** A list that its filter leaves empty, and the way back. */
export function NoMatch({ onClear }: { onClear: () => void }) {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={IconSearchOff}
      title={t('list.no_match')}
      actions={
        <Button variant="default" onClick={onClear}>
          {t('list.clear')}
        </Button>
      }
    >
      {t('list.no_match_text')}
    </EmptyState>
  );
}

interface MoreRowsProps {
  list: { rows: unknown[] | undefined; more: { has: boolean; loading: boolean; load: () => void } };
}

/** The end of a list that is not a table: how many there are so far, and the next page. */
export function MoreRows({ list: { rows, more } }: MoreRowsProps) {
  const { t } = useTranslation();
  if (!more.has) return null;
  return (
    <div className="table-more">
      <span>{t('list.shown', { count: rows?.length ?? 0 })}</span>
      <Button variant="default" size="xs" loading={more.loading} onClick={more.load}>
        {t('list.more')}
      </Button>
    </div>
  );
}
