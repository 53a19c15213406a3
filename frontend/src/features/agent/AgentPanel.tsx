import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconAlertTriangle, IconBan } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { agentNodesQuery, agentQuery } from '../../api/agent-queries';
import type { Agent, ClusterNode } from '../../api/types';
import { StateBadge } from '../../components/Badge';
import { Fact } from '../../components/Facts';
import { Panel, PanelWait } from '../../components/Panel';
import { Lines, LoadError, MoreRows } from '../../components/States';
import { Time } from '../../components/Time';
import { useList } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { usePermissions } from '../../shell/session';
import { BanDialog, RetireDialog, UnbanDialog } from './AgentDialogs';

interface AgentPanelProps {
  id: string;
  /** The row of the list, where the list has it: the panel then opens at once. */
  row: Agent | undefined;
  onClose: () => void;
}

/** One agent: where it runs, which nodes it works for, and how it is locked out or retired. */
export function AgentPanel({ id, row, onClose }: AgentPanelProps) {
  const { t } = useTranslation();
  const read = useQuery(agentQuery(id));
  const agent = read.data ?? row;
  if (agent === undefined) {
    return (
      <Panel mark={null} title={t('col.agent')} sub={null} onClose={onClose} rowId={id}>
        <PanelWait error={read.error} retry={() => void read.refetch()} />
      </Panel>
    );
  }
  return (
    <Panel
      mark={<StateBadge state={agent.status} />}
      title={agent.name}
      sub={
        <>
          <span>{agent.hostname}</span>
          <span>{agent.group.name}</span>
        </>
      }
      onClose={onClose}
      rowId={id}
    >
      <AgentActions agent={agent} />
      <AgentNotes agent={agent} />
      <section className="panel-section">
        <dl className="details">
          <Fact name={t('col.last_seen')}>
            {agent.last_seen_at == null ? t('clusters.never') : <Time value={agent.last_seen_at} />}
          </Fact>
          <Fact name={t('agents.identity_ends')}>
            <Time value={agent.not_after} show="end" /> (<Time value={agent.not_after} show="dateTime" />)
          </Fact>
          <Fact name={t('agents.joined')}>
            <Time value={agent.created_at} show="dateTime" />
          </Fact>
          <Fact name={t('col.system')}>
            {agent.os}, {agent.arch}
          </Fact>
          <Fact name={t('field.version')}>{agent.version}</Fact>
          <Fact name={t('agents.group')}>{agent.group.name}</Fact>
        </dl>
      </section>
      <AgentNodes agent={agent} />
    </Panel>
  );
}

/** What keeps it from working, where something does. */
function AgentNotes({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  return (
    <div className="findings">
      {agent.status === 'banned' && (
        <div className="note note-expired finding">
          <IconBan size={18} aria-hidden />
          <div>
            <strong>{t('agents.is_banned')}</strong>
            {agent.ban_reason != null && <p>{agent.ban_reason}</p>}
          </div>
        </div>
      )}
      {agent.cloned_at != null && (
        <div className="note note-warning finding">
          <IconAlertTriangle size={18} aria-hidden />
          <div>
            <strong>{t('agents.cloned')}</strong>
            <p>
              {t('agents.cloned_text')} <Time value={agent.cloned_at} />
            </p>
          </div>
        </div>
      )}
    </div>
  );
}

function AgentActions({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const { administer } = usePermissions();
  if (!administer || agent.status === 'retired') return null;
  const close = () => change({ do: undefined });
  return (
    <div className="panel-actions">
      {agent.status === 'banned' ? (
        <Button variant="default" onClick={() => change({ do: 'unban' })}>
          {t('agents.unban')}
        </Button>
      ) : (
        <Button variant="default" onClick={() => change({ do: 'ban' })}>
          {t('agents.ban')}
        </Button>
      )}
      <Button variant="default" onClick={() => change({ do: 'retire' })}>
        {t('agents.retire')}
      </Button>
      <BanDialog agent={agent} opened={view.do === 'ban' && agent.status !== 'banned'} onClose={close} />
      <UnbanDialog agent={agent} opened={view.do === 'unban' && agent.status === 'banned'} onClose={close} />
      <RetireDialog agent={agent} opened={view.do === 'retire'} onClose={close} />
    </div>
  );
}

/** The nodes that it works for, each with its cluster. */
function AgentNodes({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const list = useList<ClusterNode>(agentNodesQuery(agent.id));
  return (
    <section className="panel-section">
      <h3>{t('agents.nodes')}</h3>
      {list.rows === undefined &&
        (list.error === null ? <Lines count={3} /> : <LoadError error={list.error} retry={list.retry} />)}
      {list.rows?.length === 0 && <p className="dim">{t('agents.no_nodes')}</p>}
      <ul className="holders">
        {list.rows?.map((node) => (
          <li key={node.id}>
            <span className="cell-main">
              <span className="cell-name">{node.name}</span>
              <span className="cell-second">
                <Link to="/clusters/$clusterId/$tab" params={{ clusterId: node.cluster.id, tab: 'nodes' }}>
                  {node.cluster.name}
                </Link>
              </span>
            </span>
            <StateBadge state={node.status} />
          </li>
        ))}
      </ul>
      <MoreRows list={list} />
    </section>
  );
}
