import { IconCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Role } from '../../api/types';
import { ROLES } from './RoleFields';

/** What the roles may do, in the order of the pages. The server decides; this says it in words. */
const ABILITIES: { key: string; roles: Role[] }[] = [
  { key: 'look', roles: ['owner', 'admin', 'operator', 'viewer', 'auditor'] },
  { key: 'operate', roles: ['owner', 'admin', 'operator'] },
  { key: 'fleet', roles: ['owner', 'admin'] },
  { key: 'settings', roles: ['owner', 'admin'] },
  { key: 'people', roles: ['owner', 'admin'] },
  { key: 'audit', roles: ['owner', 'admin', 'auditor'] },
  { key: 'organisation', roles: ['owner'] },
];

export function Roles() {
  const { t } = useTranslation();
  return (
    <div className="card">
      <div className="table-wrap" role="region" aria-label={t('people.roles')} tabIndex={0}>
        <table className="table roles" aria-label={t('people.roles')}>
          <thead>
            <tr>
              <th scope="col">{t('people.may')}</th>
              {ROLES.map((role) => (
                <th key={role} scope="col" className="rule-cell">
                  {t(`role.${role}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {ABILITIES.map(({ key, roles }) => (
              <tr key={key}>
                <th scope="row">{t(`ability.${key}`)}</th>
                {ROLES.map((role) => (
                  <td key={role} className="rule-cell">
                    {roles.includes(role) ? (
                      <span className="rule-ok">
                        <IconCheck size={17} aria-hidden />
                        <span className="visually-hidden">{t('compliance.true')}</span>
                      </span>
                    ) : (
                      <span className="dim">
                        –<span className="visually-hidden">{t('compliance.false')}</span>
                      </span>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="dim roles-note">{t('people.roles_note')}</p>
    </div>
  );
}
