import './differences.css';
import { useTranslation } from 'react-i18next';
import type { Installation } from '../../api/types';

type Difference = NonNullable<Installation['compliance']>['differences'][number];

/** Field, what the profile says, what is installed. */
export function Differences({ differences }: { differences: Difference[] }) {
  const { t } = useTranslation();
  const words = (field: string, value: string) =>
    field === 'signing' || field === 'use_tomcat'
      ? t(`signing.${value}`, { defaultValue: value })
      : value === 'true' || value === 'false'
        ? t(`compliance.${value}`)
        : value;
  return (
    <table className="differences">
      <thead>
        <tr>
          <th scope="col">{t('compliance.field')}</th>
          <th scope="col">{t('compliance.wanted')}</th>
          <th scope="col">{t('compliance.installed')}</th>
        </tr>
      </thead>
      <tbody>
        {differences.map(({ field, wanted, installed }) => (
          <tr key={field}>
            <th scope="row">{t(`rule.${field}`, { defaultValue: field })}</th>
            <td>
              <ins>{words(field, wanted)}</ins>
            </td>
            <td>
              <del>{words(field, installed)}</del>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
