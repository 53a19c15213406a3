import { Button, Menu, Modal, NumberInput, Select, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconChevronLeft, IconCircleCheckFilled, IconKey, IconPlus, IconX } from '@tabler/icons-react';
import { useMemo, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { joinTokensQuery } from '../api/agent-queries';
import { GROUPS } from '../api/choices';
import { client, take } from '../api/client';
import { invalidate } from '../api/queries';
import type { JoinToken } from '../api/types';
import { Badge } from '../components/Badge';
import { OneChooser } from '../components/Choosers';
import { ConfirmDialog } from '../components/ConfirmDialog';
import { DataTable, type Column } from '../components/DataTable';
import { PageHeader } from '../components/PageHeader';
import { RowMenu } from '../components/RowMenu';
import { EmptyState, ProblemNote, useFieldErrors } from '../components/States';
import { Time } from '../components/Time';
import { JoinCommand } from '../features/onboarding/JoinAgent';
import { useAct } from '../lib/use-act';
import { useChoice } from '../lib/use-choice';
import { useList, useRow } from '../lib/use-list';
import { useView } from '../lib/view';
import { usePermissions } from '../shell/session';

/** Tokens that agents join with: which still let one in, and the way to end them. */
export function JoinTokensPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const { administer } = usePermissions();
  const list = useList<JoinToken>(joinTokensQuery());
  const columns = useJoinTokenColumns((token) => change({ do: 'revoke', id: token.id }));
  const token = useRow(list, view.id ?? null, ({ id }) => id);
  // The secret is shown once: nothing but the button closes it.
  const [shown, setShown] = useState(false);
  const close = () => {
    setShown(false);
    change({ do: undefined, id: undefined });
  };
  const add = administer && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ do: 'add' })}>
      {t('join_tokens.add')}
    </Button>
  );
  const none = list.rows?.length === 0;
  return (
    <div className="page">
      <PageHeader
        above={
          <Link to="/agents" className="page-back">
            <IconChevronLeft size={15} aria-hidden />
            {t('agents.title')}
          </Link>
        }
        title={t('join_tokens.title')}
        sub={<span>{t('join_tokens.sub')}</span>}
        actions={none ? null : add}
      />
      <div className="card">
        <DataTable
          label={t('join_tokens.title')}
          columns={columns}
          rows={list.rows}
          rowId={(row) => row.id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          empty={
            <EmptyState icon={IconKey} title={t('join_tokens.none')} actions={add}>
              {t('join.text')}
            </EmptyState>
          }
        />
      </div>
      <Modal
        opened={view.do === 'add'}
        onClose={close}
        title={t('join_tokens.add')}
        size="lg"
        closeOnClickOutside={!shown}
        closeOnEscape={!shown}
        withCloseButton={!shown}
        closeButtonProps={{ 'aria-label': t('act.close') }}
      >
        <JoinTokenForm onMade={() => setShown(true)} onClose={close} />
      </Modal>
      {token !== undefined && <RevokeJoinToken token={token} opened={view.do === 'revoke'} onClose={close} />}
    </div>
  );
}

function TokenState({ token }: { token: JoinToken }) {
  const { t } = useTranslation();
  if (token.revoked_at != null) {
    return (
      <Badge tone="muted" icon={IconX}>
        {t('people.revoked')}
      </Badge>
    );
  }
  if (token.usable) {
    return (
      <Badge tone="valid" icon={IconCircleCheckFilled}>
        {t('join_tokens.usable')}
      </Badge>
    );
  }
  return <Badge tone="muted">{t(token.uses_left === 0 ? 'join_tokens.spent' : 'join_tokens.ended')}</Badge>;
}

function useJoinTokenColumns(onRevoke: (token: JoinToken) => void): Column<JoinToken>[] {
  const { t } = useTranslation();
  const { administer } = usePermissions();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('join_tokens.one'),
        cell: (token) => (
          <span className="cell-main">
            <span className="cell-name">{token.name || t('join_tokens.unnamed')}</span>
            <span className="cell-second">{token.created_by}</span>
          </span>
        ),
      },
      {
        id: 'state',
        header: t('col.status'),
        className: 'col-status',
        cell: (token) => <TokenState token={token} />,
      },
      { id: 'group', header: t('agents.group'), className: 'col-wide', cell: (token) => token.group.name },
      {
        id: 'uses',
        header: t('join_tokens.uses_left'),
        className: 'col-number',
        cell: (token) => token.uses_left,
      },
      {
        id: 'made',
        header: t('join_tokens.made'),
        className: 'col-tight col-wide',
        cell: (token) => <Time value={token.created_at} />,
      },
      {
        id: 'ends',
        header: t('col.expires'),
        className: 'col-tight',
        cell: (token) => <Time value={token.expires_at} />,
      },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (token) =>
          administer &&
          token.usable && (
            <RowMenu name={token.name || t('join_tokens.unnamed')}>
              <Menu.Item onClick={() => onRevoke(token)}>{t('people.revoke')}</Menu.Item>
            </RowMenu>
          ),
      },
    ],
    [t, administer, onRevoke],
  );
}

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;
const LIVES = [HOUR_SECONDS, DAY_SECONDS, 7 * DAY_SECONDS, 30 * DAY_SECONDS];

function JoinTokenForm({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [group, setGroup] = useState<string | null>(null);
  const [uses, setUses] = useState(1);
  const [life, setLife] = useState(HOUR_SECONDS);
  const groups = useChoice(GROUPS, group === null ? [] : [group]);
  const make = useMutation({
    mutationFn: () =>
      take(
        client.POST('/api/v1/join-tokens', {
          body: { name, group_id: group, uses, ttl_seconds: life },
        }),
      ),
    onSuccess: () => {
      onMade();
      return invalidate(queries, 'agents');
    },
  });
  const fieldError = useFieldErrors(make.error);
  if (make.data !== undefined) {
    return (
      <div className="form">
        <JoinCommand token={make.data} />
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
  const lifeWords = (seconds: number) => {
    const [value, unit] =
      seconds < DAY_SECONDS ? [seconds / HOUR_SECONDS, 'hour'] : [seconds / DAY_SECONDS, 'day'];
    return new Intl.NumberFormat(i18n.language, {
      style: 'unit',
      unit: String(unit),
      unitDisplay: 'long',
    }).format(Number(value));
  };
  return (
    <form className="form" onSubmit={submit}>
      {make.error !== null && <ProblemNote error={make.error} />}
      <TextInput
        label={t('field.name')}
        description={t('join_tokens.name_hint')}
        data-autofocus
        maxLength={200}
        value={name}
        error={fieldError('name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <OneChooser
        label={t('agents.group')}
        description={t('join_tokens.group_hint')}
        choice={groups}
        value={group}
        error={fieldError('group_id')}
        onChange={setGroup}
      />
      <div className="form-row">
        <NumberInput
          label={t('join_tokens.uses')}
          min={1}
          max={1000}
          allowDecimal={false}
          clampBehavior="none"
          value={uses}
          error={fieldError('uses')}
          onChange={(value) => setUses(typeof value === 'number' ? value : 0)}
        />
        <Select
          label={t('people.lives')}
          allowDeselect={false}
          data={LIVES.map((seconds) => ({ value: String(seconds), label: lifeWords(seconds) }))}
          value={String(life)}
          error={fieldError('ttl_seconds')}
          onChange={(next) => setLife(Number(next ?? life))}
        />
      </div>
      <div className="form-actions">
        <Button variant="default" onClick={onClose}>
          {t('act.cancel')}
        </Button>
        <Button type="submit" loading={make.isPending}>
          {t('join.make')}
        </Button>
      </div>
    </form>
  );
}

interface RevokeProps {
  token: JoinToken;
  opened: boolean;
  onClose: () => void;
}

function RevokeJoinToken({ token, opened, onClose }: RevokeProps) {
  const { t } = useTranslation();
  const revoke = useAct(
    () => client.DELETE('/api/v1/join-tokens/{id}', { params: { path: { id: token.id } } }),
    ['agents'],
    onClose,
  );
  return (
    <ConfirmDialog
      title={t('people.revoke_title', { name: token.name || t('join_tokens.unnamed') })}
      act={t('people.revoke')}
      opened={opened}
      {...revoke}
      onClose={onClose}
    >
      {t('join_tokens.revoke_text')}
    </ConfirmDialog>
  );
}
