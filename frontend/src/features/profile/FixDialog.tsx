import { Button, Modal } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconTool } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../../api/client';
import { planQuery } from '../../api/queries';
import type { ComplianceFix } from '../../api/types';
import { EmptyState, ProblemNote } from '../../components/States';
import { useView } from '../../lib/view';

const SHOWN = 50;

interface FixButtonProps {
  /** The clusters whose certificates are mended; none: all. */
  clusterIds: string[];
  products?: string[];
  label: string;
}

/** Asks for the plans that make certificates as their profiles want them. Nothing is changed before a plan is run. */
export function FixButton({ clusterIds, products = [], label }: FixButtonProps) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const fix = useMutation({
    mutationFn: () =>
      take(client.POST('/api/v1/compliance/fix', { body: { cluster_ids: clusterIds, products } })),
  });
  return (
    <>
      <Button
        leftSection={<IconTool size={16} aria-hidden />}
        onClick={() => {
          setOpened(true);
          fix.mutate();
        }}
      >
        {label}
      </Button>
      <Modal
        opened={opened}
        onClose={() => setOpened(false)}
        title={t('fix.title')}
        size={720}
        closeButtonProps={{ 'aria-label': t('act.close') }}
      >
        {fix.isPending && (
          <p className="dim" role="status">
            {t('fix.working')}
          </p>
        )}
        {fix.isError && <ProblemNote error={fix.error} />}
        {fix.data !== undefined && <FixPlans fix={fix.data} onLeave={() => setOpened(false)} />}
      </Modal>
    </>
  );
}

function FixPlans({ fix, onLeave }: { fix: ComplianceFix; onLeave: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [, change] = useView();
  if (fix.plans.length === 0 && fix.unfixable.length === 0) {
    return <EmptyState icon={IconTool} tone="valid" title={t('compliance.none')} />;
  }
  return (
    <div className="form">
      {fix.plans.length > 0 && <p>{t('fix.text')}</p>}
      <ul className="fix-plans">
        {fix.plans.map((plan) => (
          <li key={plan.id}>
            <span className="cell-main">
              <strong>{t(`action.${plan.action}`, { defaultValue: plan.action })}</strong>
              <span className="dim">
                {t('plan.places', { count: plan.target_count })}
                {plan.refusal_count > 0 && ` · ${t('plan.refused', { count: plan.refusal_count })}`}
              </span>
            </span>
            <Button
              size="xs"
              aria-label={`${t('plan.preview')}: ${t(`action.${plan.action}`, { defaultValue: plan.action })}`}
              onClick={() => {
                queries.setQueryData(planQuery(plan.id).queryKey, plan);
                onLeave();
                change({ plan: plan.id });
              }}
            >
              {t('plan.preview')}
            </Button>
          </li>
        ))}
      </ul>
      {fix.unfixable.length > 0 && (
        <section aria-labelledby="unfixable-title">
          <h3 id="unfixable-title">{t('fix.unfixable', { count: fix.unfixable.length })}</h3>
          <ul className="fix-left">
            {fix.unfixable.slice(0, SHOWN).map((item) => (
              <li key={item.installation_id}>
                <strong>
                  {item.cluster.name} · {item.node.name} · {item.purpose}
                </strong>
                <span>{t(`unfixable.${item.code}`, { defaultValue: item.message })}</span>
                <span className="dim" lang="en">
                  {item.message}
                </span>
              </li>
            ))}
          </ul>
          {fix.unfixable.length > SHOWN && <p className="dim">{t('fix.first', { count: SHOWN })}</p>}
        </section>
      )}
    </div>
  );
}
