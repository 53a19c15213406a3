import { Button, Menu } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconBellCog, IconCircleCheckFilled, IconPlayerPauseFilled, IconPlus } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { invalidate } from '../../api/queries';
import { notificationSettingsQuery, rulesQuery } from '../../api/settings-queries';
import type { NotificationRule } from '../../api/types';
import { Badge, Tag } from '../../components/Badge';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { DataTable, type Column } from '../../components/DataTable';
import { RowMenu } from '../../components/RowMenu';
import { EmptyState, ProblemNote } from '../../components/States';
import { useAct } from '../../lib/use-act';
import { useView } from '../../lib/view';
import { useMe } from '../../shell/session';
import { useChannelNames } from './ChannelsField';
import { bodyOf, draftOf, escalatedOf, paceOf } from './draft';
import { ScopeWords } from './ScopeWords';
import { few, useRuleWords } from './use-rule-words';

/** So many rules an organisation may have. */
const MOST_RULES = 50;

/** The version that an edit or the deletion names. */
const versionOf = (rule: NotificationRule) => `"${rule.revision}"`;

/** Rules beside the default: what each covers, when it tells, and whom. */
export function RuleSettings() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [view, change] = useView();
  const mayChange = useMe().permissions.includes('manage_alerts');
  const read = useQuery(rulesQuery);
  const rows = read.data?.items;
  const turn = useMutation({
    mutationFn: (rule: NotificationRule) =>
      take(
        client.PUT('/api/v1/settings/notifications/rules/{id}', {
          params: { path: { id: rule.id }, header: { 'If-Match': versionOf(rule) } },
          body: bodyOf({ ...draftOf(rule), enabled: !rule.enabled }),
        }),
      ),
    // Where somebody else was faster, their version is the one to see.
    onSettled: () => invalidate(queries, 'settings', 'overview', 'messages'),
  });
  const columns = useRuleColumns(mayChange, {
    turn: (rule) => turn.mutate(rule),
    remove: (rule) => change({ do: 'delete', id: rule.id }),
  });
  const full = (rows?.length ?? 0) >= MOST_RULES;
  const add =
    mayChange &&
    (full ? (
      <Button leftSection={<IconPlus size={16} aria-hidden />} disabled aria-describedby="rules-full">
        {t('rules.add')}
      </Button>
    ) : (
      <Button
        leftSection={<IconPlus size={16} aria-hidden />}
        renderRoot={(props) => <Link {...props} to="/settings/rules/$ruleId" params={{ ruleId: 'new' }} />}
      >
        {t('rules.add')}
      </Button>
    ));
  const doomed = view.do === 'delete' ? rows?.find(({ id }) => id === view.id) : undefined;
  return (
    <div className="card settings-wide">
      {turn.error !== null && <ProblemNote error={turn.error} />}
      {rows !== undefined && rows.length > 0 && (
        <div className="filters">
          <DefaultWords />
          {full && (
            <span id="rules-full" className="dim">
              {t('rules.full', { count: MOST_RULES })}
            </span>
          )}
          <div className="filters-end">{add}</div>
        </div>
      )}
      <DataTable
        label={t('settings.rules')}
        columns={columns}
        rows={rows}
        rowId={({ id }) => id}
        loading={read.isPending}
        error={read.error}
        retry={() => void read.refetch()}
        stale={read.isError && rows !== undefined}
        empty={
          <EmptyState icon={IconBellCog} title={t('rules.none')} actions={add}>
            <p>{t('rules.none_text')}</p>
            <DefaultWords />
          </EmptyState>
        }
      />
      {doomed !== undefined && (
        <DeleteRule rule={doomed} onClose={() => change({ do: undefined, id: undefined })} />
      )}
    </div>
  );
}

/** What the organisation's default tells, beside which the rules stand. */
function DefaultWords() {
  const { t } = useTranslation();
  const words = useRuleWords();
  const settings = useQuery(notificationSettingsQuery).data?.data;
  if (settings === undefined) return null;
  const { start_days: start, frequency_days: every, digest_weekday, digest_empty: empty } = settings;
  return (
    <p className="dim rules-default">
      <Link to="/settings/$tab" params={{ tab: 'notifications' }}>
        {t('rules.default')}
      </Link>
      : {words.pace({ unit: 'days', start, every, weekday: digest_weekday ?? null, empty })}
    </p>
  );
}

interface Deeds {
  turn: (rule: NotificationRule) => void;
  remove: (rule: NotificationRule) => void;
}

function useRuleColumns(mayChange: boolean, deeds: Deeds): Column<NotificationRule>[] {
  const { t } = useTranslation();
  const words = useRuleWords();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('field.name'),
        cell: (rule) => (
          <span className="cell-main">
            <Link className="cell-name row-link" to="/settings/rules/$ruleId" params={{ ruleId: rule.id }}>
              {rule.name}
            </Link>
            <span className="cell-second rule-scope">
              <ScopeWords scope={draftOf(rule).scope} />
            </span>
          </span>
        ),
      },
      {
        id: 'state',
        header: t('col.status'),
        className: 'col-status',
        cell: (rule) => (
          <span className="tags">
            {rule.enabled ? (
              <Badge tone="valid" icon={IconCircleCheckFilled}>
                {t('rules.on')}
              </Badge>
            ) : (
              <Badge tone="muted" icon={IconPlayerPauseFilled}>
                {t('rules.off')}
              </Badge>
            )}
            {rule.instead_of_default && <Tag>{t('rules.instead_tag')}</Tag>}
          </span>
        ),
      },
      { id: 'when', header: t('settings.when'), cell: (rule) => words.pace(paceOf(rule)) },
      { id: 'whom', header: t('settings.whom'), cell: (rule) => <Told rule={rule} /> },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (rule) => (
          <RowMenu name={rule.name}>
            {() => (
              <>
                {mayChange && (
                  <>
                    <Menu.Item
                      renderRoot={(props) => (
                        <Link {...props} to="/settings/rules/$ruleId" params={{ ruleId: rule.id }} />
                      )}
                    >
                      {t('rules.edit')}
                    </Menu.Item>
                    <Menu.Item onClick={() => deeds.turn(rule)}>
                      {t(rule.enabled ? 'rules.turn_off' : 'rules.turn_on')}
                    </Menu.Item>
                    <Menu.Item onClick={() => deeds.remove(rule)}>{t('rules.delete')}</Menu.Item>
                    <Menu.Divider />
                  </>
                )}
                <Menu.Item
                  renderRoot={(props) => <Link {...props} to="/messages" search={{ rule: rule.id }} />}
                >
                  {t('rules.messages')}
                </Menu.Item>
              </>
            )}
          </RowMenu>
        ),
      },
    ],
    [t, words, mayChange, deeds],
  );
}

/** Whom a rule tells, and whom of what nobody has acknowledged. */
function Told({ rule }: { rule: NotificationRule }) {
  const { t } = useTranslation();
  const nameOf = useChannelNames();
  const escalation = escalatedOf(rule.escalation);
  return (
    <span className="cell-main">
      <span>{few([...rule.recipients, ...rule.channels.map(nameOf)]) || '–'}</span>
      {escalation !== null && (
        <span className="cell-second">
          {t('escalation.after', { count: escalation.after_days })}{' '}
          {few([...escalation.recipients, ...escalation.channels.map(nameOf)])}
        </span>
      )}
    </span>
  );
}

function DeleteRule({ rule, onClose }: { rule: NotificationRule; onClose: () => void }) {
  const { t } = useTranslation();
  const remove = useAct(
    () =>
      client.DELETE('/api/v1/settings/notifications/rules/{id}', {
        params: { path: { id: rule.id }, header: { 'If-Match': versionOf(rule) } },
      }),
    ['settings', 'overview', 'messages'],
    onClose,
  );
  return (
    <ConfirmDialog
      title={t('rules.delete_title', { name: rule.name })}
      act={t('rules.delete')}
      opened
      {...remove}
      onClose={onClose}
    >
      {t('rules.delete_text')} {rule.instead_of_default && t('rules.delete_instead')}
    </ConfirmDialog>
  );
}
