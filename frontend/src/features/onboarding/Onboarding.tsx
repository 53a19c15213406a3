import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconPlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { agentsQuery } from '../../api/queries';
import type { Agent, Cluster } from '../../api/types';
import { useList } from '../../lib/use-list';
import { useView } from '../../lib/view';
import { usePermissions } from '../../shell/session';
import { JoinAgent } from './JoinAgent';

/** Leads by the hand from nothing to the first certificates: a cluster, an agent, a node. */
export function Onboarding({ clusters }: { clusters: Cluster[] }) {
  const { t } = useTranslation();
  const [, change] = useView();
  const { administer } = usePermissions();
  const agents = useList<Agent>(agentsQuery()).rows ?? [];
  const first = clusters[0];
  const hasAgent = agents.length > 0;
  if (!administer) return <p className="dim">{t('onboarding.ask')}</p>;
  return (
    <section className="onboarding" aria-labelledby="onboarding-title">
      <h2 id="onboarding-title">{t('onboarding.title')}</h2>
      <p>{t('onboarding.lead')}</p>
      <ol className="card onboarding-card steps">
        <Step done={first !== undefined} now={first === undefined} title={t('onboarding.cluster')}>
          <p className="dim">{t('onboarding.cluster_text')}</p>
          {first === undefined && (
            <div>
              <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ do: 'add' })}>
                {t('clusters.add')}
              </Button>
            </div>
          )}
        </Step>
        <Step done={hasAgent} now={first !== undefined && !hasAgent} title={t('onboarding.agent')}>
          <p className="dim">{t('onboarding.agent_text')}</p>
          {!hasAgent && <JoinAgent />}
        </Step>
        <Step done={false} now={first !== undefined && hasAgent} title={t('onboarding.node')}>
          <p className="dim">{t('onboarding.node_text')}</p>
          {first !== undefined && (
            <div>
              <Button
                variant="default"
                leftSection={<IconPlus size={16} aria-hidden />}
                renderRoot={(props) => (
                  <Link
                    {...props}
                    to="/clusters/$clusterId/$tab"
                    params={{ clusterId: first.id, tab: 'nodes' }}
                    search={{ do: 'add' }}
                  />
                )}
              >
                {t('nodes.add')}
              </Button>
            </div>
          )}
        </Step>
      </ol>
    </section>
  );
}

interface StepProps {
  done: boolean;
  now: boolean;
  title: string;
  children: ReactNode;
}

export function Step({ done, now, title, children }: StepProps) {
  const { t } = useTranslation();
  const state = done ? 'is-done' : now ? 'is-now' : '';
  return (
    <li className={`step ${state}`} aria-current={now ? 'step' : undefined}>
      <h3>
        {title}
        {done && <span className="visually-hidden"> ({t('step.done')})</span>}
      </h3>
      <div className="step-body">{children}</div>
    </li>
  );
}
