import { Button } from '@mantine/core';
import { IconAlertTriangleFilled, IconKey, IconPlus, IconRobot } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { csvHref } from '../api/csv';
import { agentsQuery } from '../api/queries';
import type { Agent, AgentStatus } from '../api/types';
import { Badge, StateBadge } from '../components/Badge';
import { CsvButton } from '../components/CsvButton';
import { DataTable, type Column } from '../components/DataTable';
import { MultiFilter, SearchField } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { useRowWalk } from '../components/Panel';
import { Split } from '../components/Split';
import { EmptyState, NoMatch } from '../components/States';
import { Time } from '../components/Time';
import { AgentPanel } from '../features/agent/AgentPanel';
import { JoinAgentDialog } from '../features/onboarding/JoinAgent';
import { joinList, splitList } from '../lib/search';
import { useList } from '../lib/use-list';
import { useView } from '../lib/view';
import { usePermissions } from '../shell/session';

const STATUSES: AgentStatus[] = ['online', 'offline', 'banned', 'retired'];

export function AgentsPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const { administer } = usePermissions();
  const statuses = useMemo(
    () => STATUSES.filter((status) => splitList(view.status).includes(status)),
    [view.status],
  );
  const filter = { search: view.q, status: statuses };
  const filtered = view.q !== undefined || statuses.length > 0;
  const list = useList<Agent>(agentsQuery(filter));
  const current = view.agent ?? null;
  const open = (id: string) => change({ agent: id }, { replace: current !== null });
  const columns = useAgentColumns(open);
  const ids = useMemo(() => (list.rows ?? []).map(({ id }) => id), [list.rows]);
  useRowWalk(ids, current, open);
  const join = administer && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ do: 'join' })}>
      {t('join.title')}
    </Button>
  );
  const none = !filtered && list.rows?.length === 0;
  return (
    <Split
      panel={
        current !== null && (
          <AgentPanel
            key={current}
            id={current}
            row={list.rows?.find(({ id }) => id === current)}
            onClose={() => change({ agent: undefined, do: undefined })}
          />
        )
      }
    >
      <PageHeader
        title={t('agents.title')}
        sub={<span>{t('agents.sub')}</span>}
        actions={
          <>
            {administer && (
              <Button
                variant="default"
                leftSection={<IconKey size={16} aria-hidden />}
                renderRoot={(props) => <Link {...props} to="/agents/join-tokens" />}
              >
                {t('join_tokens.title')}
              </Button>
            )}
            {none ? null : join}
          </>
        }
      />
      <div className="card">
        {!none && (
          <div className="filters" role="search">
            <SearchField
              label={t('agents.search')}
              value={view.q ?? ''}
              onChange={(q) => change({ q: q || undefined }, { replace: true })}
            />
            <MultiFilter
              label={t('col.status')}
              options={STATUSES.map((status) => ({ value: status, label: t(`state.${status}`) }))}
              value={statuses}
              onChange={(values) => change({ status: joinList(values) })}
            />
            <div className="filters-end">
              <CsvButton href={csvHref('/api/v1/agents.csv', { query: filter })} />
            </div>
          </div>
        )}
        <DataTable
          label={t('agents.title')}
          columns={columns}
          rows={list.rows}
          rowId={(agent) => agent.id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          selected={current}
          onOpen={(agent) => open(agent.id)}
          empty={
            filtered ? (
              <NoMatch onClear={() => change({ q: undefined, status: undefined })} />
            ) : (
              <EmptyState icon={IconRobot} title={t('agents.none')} actions={join}>
                {t('join.text')}
              </EmptyState>
            )
          }
        />
      </div>
      <JoinAgentDialog opened={view.do === 'join'} onClose={() => change({ do: undefined })} />
    </Split>
  );
}

function useAgentColumns(open: (id: string) => void): Column<Agent>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('col.agent'),
        cell: (agent) => (
          <span className="cell-main">
            <button type="button" className="row-link" onClick={() => open(agent.id)}>
              {agent.name}
            </button>
            <span className="cell-second">{agent.hostname}</span>
          </span>
        ),
      },
      {
        id: 'status',
        header: t('col.status'),
        className: 'col-status',
        cell: (agent) => (
          <span className="tags">
            <StateBadge state={agent.status} />
            {agent.cloned_at != null && (
              <Badge tone="warning" icon={IconAlertTriangleFilled}>
                {t('agents.cloned')}
              </Badge>
            )}
          </span>
        ),
      },
      {
        id: 'nodes',
        header: t('col.nodes'),
        className: 'col-number',
        cell: (agent) => agent.node_count,
      },
      { id: 'os', header: t('col.system'), className: 'col-wide', cell: (agent) => agent.os },
      { id: 'version', header: t('field.version'), cell: (agent) => agent.version },
      {
        id: 'seen',
        header: t('col.last_seen'),
        className: 'col-tight',
        cell: (agent) => (agent.last_seen_at == null ? '–' : <Time value={agent.last_seen_at} />),
      },
    ],
    [t, open],
  );
}
