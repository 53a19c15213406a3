import { Button } from '@mantine/core';
import { IconPlus, IconServer } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { nodesQuery } from '../../api/queries';
import type { Cluster, ClusterNode } from '../../api/types';
import { StateBadge } from '../../components/Badge';
import { Command } from '../../components/Copy';
import { DataTable, type Column } from '../../components/DataTable';
import { EmptyState } from '../../components/States';
import { Time } from '../../components/Time';
import { plainText, useServerWords } from '../../lib/server-words';
import { useList } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { usePermissions } from '../../shell/session';
import { AddNodeDialog } from './AddNodeDialog';
import type { TabProps } from './tab-props';

export function NodesTab({ cluster, frame }: TabProps) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const { administer } = usePermissions();
  const list = useList<ClusterNode>(nodesQuery(cluster.id));
  const columns = useNodeColumns();
  const missing = (list.rows ?? []).filter((node) => node.status === 'credentials_missing');
  const none = list.rows?.length === 0;
  const add = administer && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ do: 'add' })}>
      {t('nodes.add')}
    </Button>
  );
  return (
    <div className="page">
      {frame(
        <>
          {missing.length > 0 && <CredentialsMissing nodes={missing} cluster={cluster} />}
          <div className="card">
            {!none && administer && (
              <div className="filters">
                <span className="filters-end">{add}</span>
              </div>
            )}
            <DataTable
              label={t('tab.nodes')}
              columns={columns}
              rows={list.rows}
              rowId={(node) => node.id}
              loading={list.loading}
              error={list.error}
              retry={list.retry}
              stale={list.stale}
              more={list.more}
              empty={
                <EmptyState icon={IconServer} title={t('nodes.none')} actions={add}>
                  {t('nodes.none_text')}
                </EmptyState>
              }
            />
          </div>
        </>,
      )}
      <AddNodeDialog cluster={cluster} opened={view.do === 'add'} onClose={() => change({ do: undefined })} />
    </div>
  );
}

/** An nginx has no credentials: its agent, on the same machine, is told that it may change it. */
function commandFor(node: ClusterNode, cluster: Cluster) {
  if (node.connector !== 'nginx') return `certyard-agent credentials set ${node.name}`;
  const quoted = `'${cluster.name.replaceAll("'", "'\\''")}'`;
  const place = `--cluster ${quoted} --product ${cluster.product} --name ${node.name} --address ${node.address}`;
  return `certyard-agent node add --connector nginx ${place} --role ${node.role}`;
}

/** Credentials never pass the server: the command to run where the agent is. */
function CredentialsMissing({ nodes, cluster }: { nodes: ClusterNode[]; cluster: Cluster }) {
  const { t } = useTranslation();
  const commands = nodes.map((node) => commandFor(node, cluster)).join('\n');
  return (
    <div className="card credentials">
      <h3>{t('nodes.credentials', { count: nodes.length })}</h3>
      <p className="dim">{t('nodes.credentials_text')}</p>
      <Command text={commands} label={t('join.command')} />
    </div>
  );
}

function useNodeColumns(): Column<ClusterNode>[] {
  const { t } = useTranslation();
  const words = useServerWords();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('col.node'),
        cell: (node) => (
          <span className="cell-main">
            <span className="cell-name">{node.name}</span>
            <span className="cell-second mono">{node.address}</span>
          </span>
        ),
      },
      {
        id: 'status',
        header: t('col.status'),
        cell: (node) => (
          <span className="cell-main">
            <span>
              <StateBadge state={node.status} />
            </span>
            {node.error != null && (
              <span className="cell-second text-expired">
                <span>{words(`task_error.${node.error.code}`) ?? plainText(node.error.message)}</span>
              </span>
            )}
          </span>
        ),
      },
      {
        id: 'role',
        header: t('col.role'),
        cell: (node) => t(`node_role.${node.role}`, { defaultValue: node.role }),
      },
      {
        id: 'connector',
        header: t('col.connector'),
        className: 'col-wide',
        cell: (node) => t(`connector.${node.connector}`, { defaultValue: node.connector }),
      },
      { id: 'agent', header: t('col.agent'), cell: (node) => node.agent?.name ?? '–' },
      {
        id: 'inventory',
        header: t('col.inventory'),
        className: 'col-tight',
        cell: (node) =>
          node.inventory_at == null ? (
            <span className="dim">{t('clusters.never')}</span>
          ) : (
            <Time value={node.inventory_at} />
          ),
      },
    ],
    [t, words],
  );
}
