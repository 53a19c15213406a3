import { IconArrowNarrowRight, IconBan } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Plan, PlanRefusal, PlanTarget, Side, WantedCsr } from '../../api/types';
import { Tag } from '../../components/Badge';
import { Time } from '../../components/Time';
import { planTargetsQuery } from '../../api/queries';
import { Prose } from '../../components/Prose';
import { MoreRows } from '../../components/States';
import { useList } from '../../lib/use-list';
import { displayName } from '../../lib/certificate';

/** Nodes by cluster in the order in which they are done, then those that were refused. */
export function PlanTargets({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  // The plan brings the first of its targets with it; those of a larger one are read by themselves.
  const whole = plan.targets.length >= plan.target_count;
  const list = useList<PlanTarget>(planTargetsQuery(plan.id), !whole);
  const targets = whole ? plan.targets : (list.rows ?? plan.targets);
  const clusters = [...new Map(targets.map((target) => [target.cluster.id, target.cluster])).values()];
  return (
    <>
      {clusters.length > 0 && (
        <div className="plan-group">
          {clusters.map((cluster) => (
            <section key={cluster.id} aria-label={cluster.name}>
              <h3 className="plan-cluster">{cluster.name}</h3>
              {targets
                .filter((target) => target.cluster.id === cluster.id)
                .map((target, index) => (
                  <Target key={target.id} target={target} order={index + 1} />
                ))}
            </section>
          ))}
        </div>
      )}
      {!whole && <MoreRows list={list} />}
      {plan.refusals.length > 0 && (
        <div className="plan-group">
          <h3 className="plan-cluster">{t('plan.refused', { count: plan.refusal_count })}</h3>
          {plan.refusals.map((refusal, index) => (
            <Refusal key={index} refusal={refusal} />
          ))}
        </div>
      )}
    </>
  );
}

function Target({ target, order }: { target: PlanTarget; order: number }) {
  const { t } = useTranslation();
  return (
    <div className="plan-target">
      <span className="plan-order">{order}</span>
      <span className="cell-main">
        <span className="cell-name">{target.node.name}</span>
        {target.purpose != null && (
          <span>
            <Tag>{target.purpose}</Tag>
          </span>
        )}
      </span>
      <span className="plan-what">
        <Change before={target.before} after={target.after} />
        {target.csr != null && <CsrLine csr={target.csr} />}
        <span className="plan-steps">
          {target.steps.map(({ step }, index) => (
            <span key={`${step}${index}`}>
              {index > 0 && <span aria-hidden>→ </span>}
              {t(`step.${step}`, { defaultValue: step })}
            </span>
          ))}
        </span>
        <span className="dim">
          {target.restarts.length > 0
            ? `${t('plan.restarts')}: ${target.restarts.join(', ')}`
            : t('plan.no_restart')}
        </span>
        {target.note != null && (
          <span className="dim" lang="en">
            <Prose text={target.note} />
          </span>
        )}
      </span>
    </div>
  );
}

function Change({ before, after }: { before: Side | null | undefined; after: Side | null | undefined }) {
  if (after == null) return null;
  return (
    <span className="plan-change">
      {before != null && (
        <>
          <del>
            <FactsLine facts={before} />
          </del>
        </>
      )}
      <ins>
        {before != null && <IconArrowNarrowRight size={16} aria-hidden />}
        <span>
          <FactsLine facts={after} />
        </span>
      </ins>
    </span>
  );
}

function FactsLine({ facts }: { facts: Side }) {
  const { t } = useTranslation();
  const issuer = facts.issuer == null ? null : displayName(facts.issuer);
  const signer = facts.self_signed ? t('d.self_signed') : issuer;
  return (
    <>
      {facts.not_after != null && <Time value={facts.not_after} show="date" />}
      {facts.not_after != null && signer !== null && ' · '}
      {signer}
    </>
  );
}

/** What the CSR will ask for. */
function CsrLine({ csr }: { csr: WantedCsr }) {
  const names = [...new Set([csr.common_name, ...csr.names])].filter((name) => name !== '');
  return (
    <span className="strong">
      {csr.key_type} {csr.key_bits} · {csr.hash} · {names.join(', ')}
    </span>
  );
}

function Refusal({ refusal }: { refusal: PlanRefusal }) {
  return (
    <div className="plan-refused">
      <IconBan size={17} aria-hidden />
      <span className="cell-name">{refusal.node ?? ''}</span>
      <span>
        <Prose text={refusal.message} />
      </span>
    </div>
  );
}
