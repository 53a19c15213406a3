import { Link, useNavigate } from '@tanstack/react-router';
import { useQueryClient } from '@tanstack/react-query';
import { Menu } from '@mantine/core';
import { notifications as toasts } from '@mantine/notifications';
import { IconFileCertificate } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { csrsQuery } from '../api/queries';
import type { Csr, CsrState } from '../api/types';
import { Badge, type Tone } from '../components/Badge';
import { DataTable, type Column } from '../components/DataTable';
import { ChoiceFilter } from '../components/Filters';
import { PageHeader } from '../components/PageHeader';
import { RowMenu } from '../components/RowMenu';
import { EmptyState, useProblemText } from '../components/States';
import { Time } from '../components/Time';
import { keyText } from '../features/certificate/Details';
import { copyText } from '../lib/save';
import { useList } from '../lib/use-list';
import { useView } from '../lib/view';

const STATES: CsrState[] = ['open', 'answered', 'replaced', 'gone'];
const TONES: Record<CsrState, Tone> = { open: 'notice', answered: 'valid', replaced: 'muted', gone: 'muted' };

/** CSRs of all nodes: what waits for a certificate authority, and what became of the others. */
export function CsrsPage() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const state = STATES.find((name) => name === view.state) ?? 'open';
  const list = useList<Csr>(csrsQuery({ state }));
  const open = useOpenPlace();
  const columns = useCsrColumns(open);
  return (
    <div className="page">
      <PageHeader title={t('csrs.title')} sub={<span>{t('csrs.sub')}</span>} />
      <div className="card">
        <div className="filters" role="search">
          <ChoiceFilter
            label={t('col.status')}
            options={STATES.map((name) => ({ value: name, label: t(`csr_state.${name}`) }))}
            value={state}
            onChange={(next) => change({ state: next === 'open' ? undefined : next })}
          />
        </div>
        <DataTable
          label={t('csrs.title')}
          columns={columns}
          rows={list.rows}
          rowId={(csr) => csr.id}
          loading={list.loading}
          error={list.error}
          retry={list.retry}
          stale={list.stale}
          more={list.more}
          onOpen={(csr) => void open(csr)}
          empty={
            <EmptyState icon={IconFileCertificate} title={t('csrs.none')}>
              {t('csrs.none_text')}
            </EmptyState>
          }
        />
      </div>
    </div>
  );
}

/** Leads to the certificate that a CSR is to replace, where its answer is uploaded. */
function useOpenPlace(): (csr: Csr) => Promise<void> {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { t } = useTranslation();
  const problemText = useProblemText();
  return async (csr) => {
    try {
      await open(csr);
    } catch (error) {
      toasts.show({
        color: 'red',
        message: problemText(error),
        closeButtonProps: { 'aria-label': t('act.close') },
      });
    }
  };

  async function open(csr: Csr): Promise<void> {
    const { items } = await queries.fetchQuery({
      queryKey: ['certificates', 'place', csr.node.id, csr.purpose],
      queryFn: () =>
        take(
          client.GET('/api/v1/installations', {
            params: { query: { node_id: csr.node.id, store: [csr.purpose], kind: 'identity', limit: 1 } },
          }),
        ),
    });
    const place = items[0];
    await navigate({
      to: '/clusters/$clusterId/$tab',
      params: { clusterId: csr.cluster.id, tab: 'identity' },
      search: place === undefined ? { q: csr.node.name } : { cert: place.id, do: 'csr' },
    });
  }
}

function useCsrColumns(open: (csr: Csr) => Promise<void>): Column<Csr>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      {
        id: 'state',
        header: t('col.status'),
        className: 'col-status',
        cell: (csr) => <Badge tone={TONES[csr.state]}>{t(`csr_state.${csr.state}`)}</Badge>,
      },
      {
        id: 'name',
        header: t('col.common_name'),
        cell: (csr) => (
          <span className="cell-main">
            <button type="button" className="row-link" onClick={() => void open(csr)}>
              {csr.common_name || csr.subject}
            </button>
            <span className="cell-second mono">{csr.purpose}</span>
          </span>
        ),
      },
      { id: 'node', header: t('col.node'), cell: (csr) => csr.node.name },
      {
        id: 'cluster',
        header: t('col.cluster'),
        cell: (csr) => (
          <Link to="/clusters/$clusterId/$tab" params={{ clusterId: csr.cluster.id, tab: 'identity' }}>
            {csr.cluster.name}
          </Link>
        ),
      },
      { id: 'key', header: t('d.key'), className: 'col-tight col-wide', cell: (csr) => keyText(csr.key) },
      {
        id: 'made',
        header: t('messages.made'),
        className: 'col-tight',
        cell: (csr) => <Time value={csr.created_at} />,
      },
      {
        id: 'menu',
        header: '',
        className: 'col-menu',
        cell: (csr) => (
          <RowMenu name={`${csr.purpose}, ${csr.node.name}`}>
            <Menu.Item onClick={() => void copyText(csr.pem)}>{t('csr.copy')}</Menu.Item>
            <Menu.Item component="a" href={`/api/v1/csrs/${csr.id}.pem`} download>
              {t('csr.download')}
            </Menu.Item>
            {csr.state === 'open' && <Menu.Item onClick={() => void open(csr)}>{t('act.upload')}</Menu.Item>}
          </RowMenu>
        ),
      },
    ],
    [t, open],
  );
}
