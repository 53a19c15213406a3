import { useTranslation } from 'react-i18next';
import { CLUSTERS, GROUPS } from '../../api/choices';
import type { RootChangeScope } from '../../api/types';
import { useProductName } from '../../lib/products';
import { useChoice } from '../../lib/use-choice';
import { withinOf } from './draft';

/** In which clusters, in one line: how many, where they are not to be looked up. */
export function ScopeCount({ scope }: { scope: RootChangeScope }) {
  const { t } = useTranslation();
  const productName = useProductName();
  const { cluster_ids: clusters, group_ids: groups, product } = withinOf(scope);
  const parts = [
    groups.length > 0 && t('root.groups', { count: groups.length }),
    clusters.length > 0 && t('clusters.count', { count: clusters.length }),
    product !== null && productName(product),
  ].filter((part) => part !== false);
  return parts.length === 0 ? t('root.everywhere') : parts.join(' · ');
}

/** In which clusters, by their names. */
export function ScopeNames({ scope }: { scope: RootChangeScope }) {
  const { t } = useTranslation();
  const productName = useProductName();
  const { cluster_ids, group_ids, product } = withinOf(scope);
  const groups = useChoice(GROUPS, group_ids);
  const clusters = useChoice(CLUSTERS, cluster_ids);
  const parts = [
    ...group_ids.map(groups.nameOf),
    ...cluster_ids.map(clusters.nameOf),
    ...(product === null ? [] : [productName(product)]),
  ];
  return parts.length === 0 ? t('root.everywhere') : parts.join(', ');
}
