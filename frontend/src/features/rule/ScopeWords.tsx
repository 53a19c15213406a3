import { useQueries, type UseQueryOptions } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { CLUSTERS, GROUPS, ISSUERS } from '../../api/choices';
import { useProductName } from '../../lib/products';
import type { ChoiceSource } from '../../lib/use-choice';
import type { Scope } from './draft';
import { few } from './use-rule-words';

/** So many things are named; of those beyond only the number is said. */
const NAMED = 2;

/** What a rule covers, in one line. */
export function ScopeWords({ scope }: { scope: Scope }) {
  const { t } = useTranslation();
  const productName = useProductName();
  const clusters = useNames(CLUSTERS, scope.clusters);
  const groups = useNames(GROUPS, scope.groups);
  const issuers = useNames(ISSUERS, scope.issuer_certificates);
  const parts = [
    [t('nav.clusters'), few(clusters, NAMED)],
    [t('f.groups'), few(groups, NAMED)],
    [t('f.products'), few(scope.products.map(productName))],
    [t('rules.kind'), scope.kind == null ? '' : t(`kind.${scope.kind}`)],
    [t('rules.purposes'), few(scope.purposes)],
    [t('col.issuer'), few([...scope.issuers, ...issuers])],
  ].filter(([, words]) => words !== '');
  if (parts.length === 0) return <span>{t('rules.covers_all')}</span>;
  return (
    <>
      {parts.map(([name, words]) => (
        <span key={name}>
          {name}: {words}
        </span>
      ))}
    </>
  );
}

/** Names of the first few ids; the others stay as they are, to be counted. */
function useNames<T extends { name: string }>(source: ChoiceSource<T>, ids: string[]): string[] {
  const { t } = useTranslation();
  const found = useQueries({
    queries: ids.slice(0, NAMED).map((id) => ({
      ...(source.one(id) as UseQueryOptions<T>),
      refetchInterval: false as const,
      retry: false,
    })),
  });
  return ids.map((id, index) => {
    const read = found[index];
    if (read === undefined) return id;
    return read.data?.name ?? (read.isError ? t('rules.gone') : '…');
  });
}
