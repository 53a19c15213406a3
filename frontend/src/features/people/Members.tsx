import { Button, Menu, Modal, PasswordInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconUsers } from '@tabler/icons-react';
import { useMemo, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { membersQuery } from '../../api/people-queries';
import { invalidate } from '../../api/queries';
import type { Member, Role } from '../../api/types';
import { Badge, Tag } from '../../components/Badge';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { DataTable, type Column } from '../../components/DataTable';
import { RowMenu } from '../../components/RowMenu';
import { EmptyState, ProblemNote, useFieldErrors } from '../../components/States';
import { Time } from '../../components/Time';
import { useAct } from '../../lib/use-act';
import { useList, useRow } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { useMe } from '../../shell/session';
import { GroupNames, RoleFields } from './RoleFields';

/** The people of the organisation. */
export function Members() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const list = useList<Member>(membersQuery());
  const columns = useMemberColumns((what, member) => change({ do: what, id: member.id }));
  const member = useRow(list, view.id ?? null, ({ id }) => id);
  const close = () => change({ do: undefined, id: undefined });
  return (
    <div className="card">
      <DataTable
        label={t('people.members')}
        columns={columns}
        rows={list.rows}
        rowId={(row) => row.id}
        loading={list.loading}
        error={list.error}
        retry={list.retry}
        stale={list.stale}
        more={list.more}
        empty={<EmptyState icon={IconUsers} title={t('people.no_members')} />}
      />
      <Modal
        opened={view.do === 'add' || (view.do === 'edit' && member !== undefined)}
        onClose={close}
        title={view.do === 'edit' ? t('people.edit_member') : t('people.add_members')}
        closeButtonProps={{ 'aria-label': t('act.close') }}
      >
        <MemberForm key={member?.id} member={view.do === 'edit' ? member : undefined} onClose={close} />
      </Modal>
      {member !== undefined && <RemoveMember member={member} opened={view.do === 'remove'} onClose={close} />}
    </div>
  );
}

function useMemberColumns(onDo: (what: string, member: Member) => void): Column<Member>[] {
  const { t } = useTranslation();
  const me = useMe();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('people.person'),
        cell: (member) => (
          <span className="cell-main">
            <span className="cell-name person">
              {member.name}
              {member.id === me.user.id && <Badge tone="notice">{t('people.you')}</Badge>}
            </span>
            <span className="cell-second">{member.email}</span>
          </span>
        ),
      },
      { id: 'role', header: t('col.role'), cell: (member) => <Tag>{t(`role.${member.role}`)}</Tag> },
      { id: 'groups', header: t('f.groups'), cell: (member) => <GroupNames ids={member.group_ids} /> },
      {
        id: 'since',
        header: t('people.since'),
        className: 'col-tight col-wide',
        cell: (member) => <Time value={member.created_at} show="date" />,
      },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (member) =>
          me.permissions.includes('manage_people') && (
            <RowMenu name={member.name}>
              <Menu.Item onClick={() => onDo('edit', member)}>{t('people.edit_member')}</Menu.Item>
              <Menu.Item onClick={() => onDo('remove', member)}>{t('people.remove')}</Menu.Item>
            </RowMenu>
          ),
      },
    ],
    [t, me, onDo],
  );
}

function MemberForm({ member, onClose }: { member: Member | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(member?.name ?? '');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>(member?.role ?? 'operator');
  const [groups, setGroups] = useState<string[]>(member?.group_ids ?? []);
  const group_ids = groups.length === 0 ? null : groups;
  const save = useMutation({
    mutationFn: () =>
      take(
        member === undefined
          ? client.POST('/api/v1/members', { body: { name, email, password, role, group_ids } })
          : client.PATCH('/api/v1/members/{id}', {
              params: { path: { id: member.id } },
              body: { name, role, group_ids },
            }),
      ),
    onSuccess: async () => {
      await invalidate(queries, 'people');
      onClose();
    },
  });
  const fieldError = useFieldErrors(save.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      {save.error !== null && <ProblemNote error={save.error} />}
      <TextInput
        label={t('field.name')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={200}
        value={name}
        error={fieldError('name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      {member === undefined && (
        <>
          <TextInput
            label={t('field.email')}
            type="email"
            required
            withAsterisk={false}
            value={email}
            error={fieldError('email')}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <PasswordInput
            label={t('people.first_password')}
            description={t('people.first_password_hint')}
            required
            withAsterisk={false}
            minLength={12}
            autoComplete="new-password"
            visibilityToggleButtonProps={{ 'aria-label': t('act.show_password') }}
            value={password}
            error={fieldError('password')}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
        </>
      )}
      <RoleFields role={role} groups={groups} fieldError={fieldError} onRole={setRole} onGroups={setGroups} />
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" loading={save.isPending}>
          {member === undefined ? t('people.add_members') : t('act.save')}
        </Button>
      </div>
    </form>
  );
}

interface RemoveMemberProps {
  member: Member;
  opened: boolean;
  onClose: () => void;
}

function RemoveMember({ member, opened, onClose }: RemoveMemberProps) {
  const { t } = useTranslation();
  const remove = useAct(
    () => client.DELETE('/api/v1/members/{id}', { params: { path: { id: member.id } } }),
    ['people'],
    onClose,
  );
  return (
    <ConfirmDialog
      title={t('people.remove_title', { name: member.name })}
      act={t('people.remove')}
      opened={opened}
      {...remove}
      onClose={onClose}
    >
      {t('people.remove_text')}
    </ConfirmDialog>
  );
}
