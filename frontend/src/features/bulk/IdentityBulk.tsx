import { Button, Menu } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Installation } from '../../api/types';
import { BulkBar } from '../../components/BulkBar';
import type { Selection } from '../../lib/use-selection';
import { usePlanOrToast } from '../plan/use-plan';
import { BULK_ACTIONS, offersOf, type ActionName, type Offer, type PlanFilter } from './offers';

interface IdentityBulkProps {
  selection: Selection;
  rows: Installation[];
  more: boolean;
  total?: number;
  /** The filter of the list as a plan takes it; null: there is none that means the same. */
  filter: () => PlanFilter | null;
}

/** How many actions stand as buttons; the others are in the menu. */
const BUTTONS = 2;

/** What can be done with the chosen identity certificates: of each action with how many of them. */
export function IdentityBulk({ selection, rows, more, total, filter }: IdentityBulkProps) {
  const { t } = useTranslation();
  const plan = usePlanOrToast();
  const chosen = rows.filter(({ id }) => selection.chosen.has(id));
  // Of what is not on screen only the plan can tell with how many it can be done.
  const offers: Offer[] = selection.all
    ? BULK_ACTIONS.map((action) => ({ action, ids: [] }))
    : offersOf(chosen);
  const run = ({ action, ids }: Offer) => {
    const whole = filter();
    if (selection.all && whole !== null) plan.mutate({ action, filter: whole });
    else plan.mutate({ action, installations: ids });
  };
  const words = (action: ActionName, { ids }: Offer) =>
    selection.all ? t(`action.${action}`) : `${t(`action.${action}`)} (${ids.length})`;
  const can = (offer: Offer) => selection.all || offer.ids.length > 0;
  const reasonOf = (offer: Offer) =>
    can(offer) || offer.reason === undefined ? undefined : t('bulk.none_can', { reason: offer.reason });
  return (
    <BulkBar
      selection={selection}
      more={more}
      total={total}
      noAll={filter() === null ? t('bulk.no_filter') : undefined}
    >
      {offers.slice(0, BUTTONS).map((offer) => (
        <Button
          key={offer.action}
          variant="default"
          disabled={!can(offer)}
          title={reasonOf(offer)}
          loading={plan.isPending && plan.variables.action === offer.action}
          onClick={() => run(offer)}
        >
          {words(offer.action, offer)}
        </Button>
      ))}
      <Menu width={320} withinPortal>
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={16} aria-hidden />}>
            {t('act.more')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {offers.slice(BUTTONS).map((offer) => (
            <Menu.Item key={offer.action} disabled={!can(offer)} onClick={() => run(offer)}>
              {words(offer.action, offer)}
              {reasonOf(offer) !== undefined && <span className="menu-reason">{offer.reason}</span>}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </BulkBar>
  );
}
