import { Button, Menu, Modal, Select, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconKey } from '@tabler/icons-react';
import { useMemo, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { tokensQuery } from '../../api/people-queries';
import { invalidate } from '../../api/queries';
import type { Role, Token } from '../../api/types';
import { Badge, Tag } from '../../components/Badge';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { Command } from '../../components/Copy';
import { DataTable, type Column } from '../../components/DataTable';
import { RowMenu } from '../../components/RowMenu';
import { EmptyState, ProblemNote, useFieldErrors } from '../../components/States';
import { Time } from '../../components/Time';
import { useAct } from '../../lib/use-act';
import { useList, useRow } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { useMe } from '../../shell/session';
import { GroupNames, RoleFields } from './RoleFields';

const DAY_MS = 24 * 60 * 60 * 1000;
const LIVES = ['30', '90', '365', 'ever'];

/** Tokens of programs. */
export function Tokens() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const list = useList<Token>(tokensQuery());
  const columns = useTokenColumns((token) => change({ do: 'revoke', id: token.id }));
  const token = useRow(list, view.id ?? null, ({ id }) => id);
  // The secret is shown once: nothing but the button closes it.
  const [shown, setShown] = useState(false);
  const close = () => {
    setShown(false);
    change({ do: undefined, id: undefined });
  };
  return (
    <div className="card">
      <DataTable
        label={t('people.tokens')}
        columns={columns}
        rows={list.rows}
        rowId={(row) => row.id}
        loading={list.loading}
        error={list.error}
        retry={list.retry}
        stale={list.stale}
        more={list.more}
        empty={
          <EmptyState icon={IconKey} title={t('people.no_tokens')}>
            {t('people.no_tokens_text')}
          </EmptyState>
        }
      />
      <Modal
        opened={view.do === 'add'}
        onClose={close}
        title={t('people.add_tokens')}
        size="lg"
        closeOnClickOutside={!shown}
        closeOnEscape={!shown}
        withCloseButton={!shown}
        closeButtonProps={{ 'aria-label': t('act.close') }}
      >
        <TokenForm onMade={() => setShown(true)} onClose={close} />
      </Modal>
      {token !== undefined && <RevokeToken token={token} opened={view.do === 'revoke'} onClose={close} />}
    </div>
  );
}

function useTokenColumns(onRevoke: (token: Token) => void): Column<Token>[] {
  const { t } = useTranslation();
  const { permissions } = useMe();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('people.token'),
        cell: (token) => (
          <span className="cell-main">
            <span className="cell-name">{token.name}</span>
            <span className="cell-second">
              <span className="mono">{token.hint}</span>
              <span>{token.created_by}</span>
            </span>
          </span>
        ),
      },
      { id: 'role', header: t('col.role'), cell: (token) => <Tag>{t(`role.${token.role}`)}</Tag> },
      {
        id: 'groups',
        header: t('f.groups'),
        className: 'col-wide',
        cell: (token) => <GroupNames ids={token.group_ids} />,
      },
      {
        id: 'used',
        header: t('people.last_used'),
        className: 'col-tight',
        cell: (token) =>
          token.last_used_at == null ? (
            <span className="dim">{t('clusters.never')}</span>
          ) : (
            <Time value={token.last_used_at} />
          ),
      },
      {
        id: 'ends',
        header: t('col.expires'),
        className: 'col-tight',
        cell: (token) =>
          token.revoked_at != null ? (
            <Badge tone="muted">{t('people.revoked')}</Badge>
          ) : token.expires_at == null ? (
            <span className="dim">{t('clusters.never')}</span>
          ) : (
            <Time value={token.expires_at} />
          ),
      },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (token) =>
          permissions.includes('manage_people') &&
          token.revoked_at == null && (
            <RowMenu name={token.name}>
              <Menu.Item onClick={() => onRevoke(token)}>{t('people.revoke')}</Menu.Item>
            </RowMenu>
          ),
      },
    ],
    [t, permissions, onRevoke],
  );
}

function TokenForm({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [groups, setGroups] = useState<string[]>([]);
  const [life, setLife] = useState('90');
  const make = useMutation({
    mutationFn: () =>
      take(
        client.POST('/api/v1/tokens', {
          body: {
            name,
            role,
            group_ids: groups.length === 0 ? null : groups,
            expires_at: life === 'ever' ? null : new Date(Date.now() + Number(life) * DAY_MS).toISOString(),
          },
        }),
      ),
    onSuccess: () => {
      onMade();
      return invalidate(queries, 'people');
    },
  });
  const fieldError = useFieldErrors(make.error);
  if (make.data !== undefined) {
    return (
      <div className="form">
        <p>{t('people.token_once')}</p>
        <Command text={make.data.secret} label={t('people.token')} />
        <div className="form-actions">
          <Button onClick={onClose}>{t('act.close')}</Button>
        </div>
      </div>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      {make.error !== null && <ProblemNote error={make.error} />}
      <TextInput
        label={t('field.name')}
        description={t('people.token_name_hint')}
        required
        withAsterisk={false}
        data-autofocus
        maxLength={200}
        value={name}
        error={fieldError('name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <RoleFields
        program
        role={role}
        groups={groups}
        fieldError={fieldError}
        onRole={setRole}
        onGroups={setGroups}
      />
      <Select
        label={t('people.lives')}
        data={LIVES.map((value) => ({
          value,
          label: value === 'ever' ? t('people.lives_ever') : t('people.lives_days', { count: Number(value) }),
        }))}
        value={life}
        error={fieldError('expires_at')}
        onChange={(next) => setLife(next ?? life)}
      />
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" loading={make.isPending}>
          {t('people.add_tokens')}
        </Button>
      </div>
    </form>
  );
}

interface RevokeTokenProps {
  token: Token;
  opened: boolean;
  onClose: () => void;
}

function RevokeToken({ token, opened, onClose }: RevokeTokenProps) {
  const { t } = useTranslation();
  const revoke = useAct(
    () => client.DELETE('/api/v1/tokens/{id}', { params: { path: { id: token.id } } }),
    ['people'],
    onClose,
  );
  return (
    <ConfirmDialog
      title={t('people.revoke_title', { name: token.name })}
      act={t('people.revoke')}
      opened={opened}
      {...revoke}
      onClose={onClose}
    >
      {t('people.revoke_text')}
    </ConfirmDialog>
  );
}
