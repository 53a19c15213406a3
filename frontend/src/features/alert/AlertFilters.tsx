import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { catalogueQuery } from '../../api/queries';
import { ChoiceFilter, MultiFilter, SearchField } from '../../components/Filters';
import { useProductName } from '../../lib/products';
import { certificateNames } from './certificate-names';
import { ALERT_STATUSES, KINDS, type Alerts } from './use-alerts';

/** Free text, any of several certificates and products, one status, one kind (R8). */
export function AlertFilters({ alerts }: { alerts: Alerts }) {
  const { t } = useTranslation();
  const productName = useProductName();
  const products = useQuery(catalogueQuery).data?.products;
  const { kind, status, certificates, change } = alerts;
  const names = useMemo(
    () => certificateNames(products ?? [], alerts.products, kind, certificates),
    [products, alerts.products, kind, certificates],
  );
  return (
    <div className="filters" role="search">
      <SearchField
        label={t('f.search_alerts')}
        value={alerts.search}
        onChange={(q) => change({ q: q || undefined }, { replace: true })}
      />
      <MultiFilter
        label={t('f.certificates')}
        options={names.map((name) => ({ value: name, label: name }))}
        value={certificates}
        onChange={alerts.setCertificates}
      />
      <MultiFilter
        label={t('f.products')}
        options={(products ?? []).map(({ id }) => ({ value: id, label: productName(id) }))}
        value={alerts.products}
        onChange={alerts.setProducts}
      />
      <ChoiceFilter
        label={t('col.status')}
        options={ALERT_STATUSES.map((name) => ({ value: name, label: t(`status.${name}`) }))}
        value={status}
        onChange={(next) => change({ status: next })}
      />
      <ChoiceFilter
        label={t('col.type')}
        options={KINDS.map((name) => ({ value: name, label: t(`kind.${name}`) }))}
        value={kind}
        onChange={(next) => change({ kind: next })}
      />
    </div>
  );
}
