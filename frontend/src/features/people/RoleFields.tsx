import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { GROUPS } from '../../api/choices';
import type { Role } from '../../api/types';
import { ManyChooser } from '../../components/Choosers';
import { useChoice } from '../../lib/use-choice';
import { useMe } from '../../shell/session';

export const ROLES: Role[] = ['owner', 'admin', 'operator', 'viewer', 'auditor'];
/** A program may have one more, which reads gauges and nothing else. */
const PROGRAM_ROLES: Role[] = [...ROLES, 'monitor'];

interface RoleFieldsProps {
  role: Role;
  /** Groups that the role is bound to; none: all. */
  groups: string[];
  fieldError: (field: string) => string | undefined;
  onRole: (role: Role) => void;
  onGroups: (groups: string[]) => void;
  /** It is the role of a program. */
  program?: boolean;
}

/** A role, and the groups that it is bound to. Nobody gives more than they have. */
export function RoleFields({ role, groups, fieldError, onRole, onGroups, program }: RoleFieldsProps) {
  const { t } = useTranslation();
  const me = useMe();
  const choice = useChoice(GROUPS, groups);
  const roles = program ? PROGRAM_ROLES : ROLES;
  const offered = me.role === 'owner' ? roles : roles.filter((name) => name !== 'owner');
  return (
    <>
      <Select
        label={t('col.role')}
        description={t(`role.${role}_text`)}
        data={offered.map((value) => ({ value, label: t(`role.${value}`) }))}
        value={role}
        error={fieldError('role')}
        onChange={(next) => onRole(offered.find((name) => name === next) ?? role)}
      />
      <ManyChooser
        label={t('f.groups')}
        description={t('people.groups_hint')}
        choice={choice}
        value={groups}
        error={fieldError('group_ids')}
        onChange={onGroups}
      />
    </>
  );
}

/** Names of the groups that a role is bound to. */
export function GroupNames({ ids }: { ids: string[] | null | undefined }) {
  const { t } = useTranslation();
  const choice = useChoice(GROUPS, ids ?? []);
  if (ids == null) return <span className="dim">{t('people.all_groups')}</span>;
  return (
    <span className="tags">
      {ids.map((id) => (
        <span key={id} className="tag">
          {choice.nameOf(id)}
        </span>
      ))}
    </span>
  );
}
