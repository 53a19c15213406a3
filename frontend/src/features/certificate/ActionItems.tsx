import { Menu } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { CreatePlan, Installation } from '../../api/types';

type ActionName = CreatePlan['action'];

/** Actions that need nothing but their target: the preview comes next. */
const DIRECT: ActionName[] = ['renew', 'reuse_tomcat', 'delete_csr', 'restart', 'refresh'];

interface ActionItemsProps {
  installation: Installation;
  onPlan: (plan: CreatePlan) => void;
}

/** What can be done with an identity certificate at once. What cannot is shown as well, with the reason. */
export function ActionItems({ installation, onPlan }: ActionItemsProps) {
  const { t } = useTranslation();
  const offers = DIRECT.flatMap((name) => installation.actions.filter(({ action }) => action === name));
  return offers.map(({ action, allowed, reason }) => (
    <Menu.Item
      key={action}
      disabled={!allowed}
      onClick={() => onPlan({ action, installations: [installation.id] })}
    >
      {t(`action.${action}`)}
      {!allowed && <span className="menu-reason">{reason}</span>}
    </Menu.Item>
  ));
}
