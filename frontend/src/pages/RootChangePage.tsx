import '../features/root-change/root-change.css';
import '../features/settings/settings.css';
import { Button, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { IconAlertTriangle, IconChevronLeft, IconPencil, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Tagged } from '../api/client';
import { rootChangeQuery } from '../api/root-change-queries';
import type { RootChangeDetail } from '../api/types';
import { PageHeader } from '../components/PageHeader';
import { Coded } from '../components/Prose';
import { EmptyState, Lines, LoadError } from '../components/States';
import { Time } from '../components/Time';
import { AuthorityFacts } from '../features/root-change/AuthorityFacts';
import { RootChangeBadge } from '../features/root-change/badges';
import { BeginForm } from '../features/root-change/BeginForm';
import { CloseDialog } from '../features/root-change/CloseDialog';
import { CoverageTable } from '../features/root-change/CoverageTable';
import { EditDialog } from '../features/root-change/EditDialog';
import { IdentityTable } from '../features/root-change/IdentityTable';
import { JobTable } from '../features/root-change/JobTable';
import { NextStep } from '../features/root-change/NextStep';
import { OverrideDialog } from '../features/root-change/OverrideDialog';
import { useMayChangeRoots } from '../features/root-change/permission';
import { PhaseSteps } from '../features/root-change/PhaseSteps';
import { ScopeNames } from '../features/root-change/ScopeText';
import { usePhasePlan } from '../features/root-change/use-phase-plan';
import { useView } from '../lib/view';

/** One root change, or the form that begins one at `/root-changes/new`. */
export function RootChangePage() {
  const { rootChangeId } = useParams({ from: '/app/root-changes/$rootChangeId' });
  return rootChangeId === 'new' ? <NewRootChange /> : <StoredRootChange id={rootChangeId} />;
}

function NewRootChange() {
  const { t } = useTranslation();
  const [view] = useView();
  const mayBegin = useMayChangeRoots();
  return (
    <div className="page">
      <PageHeader above={<Back />} title={t('root.begin')} sub={<span>{t('root.begin_text')}</span>} />
      {mayBegin ? (
        <BeginForm key={view.certificate} oldId={view.certificate ?? null} />
      ) : (
        <div className="card">
          <EmptyState icon={IconAlertTriangle} title={t('settings.not_for_you')}>
            {t('root.all_groups')}
          </EmptyState>
        </div>
      )}
    </div>
  );
}

function StoredRootChange({ id }: { id: string }) {
  const read = useQuery(rootChangeQuery(id));
  if (read.data === undefined) {
    return (
      <div className="page">
        {read.isError ? (
          <LoadError page error={read.error} retry={() => void read.refetch()} />
        ) : (
          <Lines count={8} />
        )}
      </div>
    );
  }
  return <Whole key={id} tagged={read.data} />;
}

function Whole({ tagged }: { tagged: Tagged<RootChangeDetail> }) {
  const { t } = useTranslation();
  const detail = tagged.data;
  const [view, change] = useView();
  const acts = useMayChangeRoots() && detail.state === 'open';
  const plan = usePhasePlan(detail.id);
  const doing = acts ? view.do : undefined;
  const closeDialog = () => change({ do: undefined });
  return (
    <div className="page">
      <PageHeader
        above={<Back />}
        title={detail.name}
        mark={<RootChangeBadge state={detail.state} />}
        sub={
          <>
            <span>
              {t('root.begun')} <Time value={detail.created_at} />
            </span>
            <span>{detail.created_by}</span>
            {detail.note !== '' && <span>{detail.note}</span>}
          </>
        }
        actions={
          acts && (
            <>
              <Button
                variant="default"
                leftSection={<IconPencil size={16} aria-hidden />}
                onClick={() => change({ do: 'edit' })}
              >
                {t('root.edit')}
              </Button>
              {detail.next_action !== 'close' && (
                <Button
                  variant="default"
                  leftSection={<IconX size={16} aria-hidden />}
                  onClick={() => change({ do: 'close' })}
                >
                  {t('root.cancel')}
                </Button>
              )}
            </>
          )
        }
      />
      <NextStep detail={detail} acts={acts} plan={plan} onClose={() => change({ do: 'close' })} />
      <div className="root-grid">
        <section className="card root-card" aria-labelledby="root-phases">
          <h2 id="root-phases">{t('root.phases')}</h2>
          <PhaseSteps detail={detail} acts={acts} plan={plan} onOverride={(phase) => change({ do: phase })} />
        </section>
        <div className="root-side">
          <Facts detail={detail} />
          {detail.warnings.map(({ code, message }) => (
            <div key={code} className="note note-warning">
              <IconAlertTriangle size={18} aria-hidden />
              <div>
                <Coded words={`root_warning.${code}`} message={message} />
              </div>
            </div>
          ))}
        </div>
      </div>
      <Rows detail={detail} />
      <OverrideDialog
        id={detail.id}
        view={detail.phases.find(({ phase, state }) => phase === doing && state === 'blocked')}
        onClose={closeDialog}
      />
      <EditDialog tagged={tagged} opened={doing === 'edit'} onClose={closeDialog} />
      <CloseDialog detail={detail} opened={doing === 'close'} onClose={closeDialog} />
    </div>
  );
}

function Facts({ detail }: { detail: RootChangeDetail }) {
  const { t } = useTranslation();
  return (
    <section className="card root-card" aria-labelledby="root-facts">
      <h2 id="root-facts">{t('f.certificates')}</h2>
      <AuthorityFacts label={t('root.old')} authority={detail.old_certificate} />
      <AuthorityFacts label={t('root.new')} authority={detail.new_certificate} />
      <div className="root-fact">
        <span className="dim">{t('root.scope')}</span>
        <span>
          <ScopeNames scope={detail.scope} />
        </span>
      </div>
      {detail.closed_at != null && (
        <div className="root-fact">
          <span className="dim">{t('root.closed')}</span>
          <span>
            <Time value={detail.closed_at} /> · {detail.closed_by}
          </span>
          {detail.reason !== '' && <span>{detail.reason}</span>}
        </div>
      )}
    </section>
  );
}

const TABS = ['stores', 'identities', 'jobs'] as const;

/** What it is about, row by row. */
function Rows({ detail }: { detail: RootChangeDetail }) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const tab = TABS.find((name) => name === view.show) ?? 'stores';
  const words = { stores: t('root.stores'), identities: t('tab.identity'), jobs: t('nav.jobs') };
  return (
    <Tabs
      value={tab}
      keepMounted={false}
      onChange={(next) =>
        change({
          show: next === 'stores' ? undefined : (next ?? undefined),
          state: undefined,
          cluster: undefined,
        })
      }
    >
      <Tabs.List aria-label={t('root.rows')}>
        {TABS.map((name) => (
          <Tabs.Tab key={name} value={name}>
            {words[name]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={tab}>
        {tab === 'stores' && <CoverageTable id={detail.id} />}
        {tab === 'identities' && <IdentityTable id={detail.id} />}
        {tab === 'jobs' && <JobTable jobs={detail.jobs} />}
      </Tabs.Panel>
    </Tabs>
  );
}

function Back() {
  const { t } = useTranslation();
  return (
    <Link to="/root-changes" className="page-back">
      <IconChevronLeft size={15} aria-hidden />
      {t('nav.root_changes')}
    </Link>
  );
}
