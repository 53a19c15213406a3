import { Button, Menu } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { CreatePlan, Installation } from '../../api/types';
import { ProblemNote } from '../../components/States';
import { usePlan } from '../plan/use-plan';

type ActionName = CreatePlan['action'];

/** Actions that need nothing but their target: the preview comes next. The others have their own place in the panel. */
const DIRECT: ActionName[] = ['renew', 'reuse_tomcat', 'delete_csr', 'restart', 'refresh'];

/** What can be done with an identity certificate. What cannot is shown as well, with the reason. */
export function ActionMenu({ installation }: { installation: Installation }) {
  const { t } = useTranslation();
  const plan = usePlan();
  const offers = DIRECT.flatMap((name) => installation.actions.filter(({ action }) => action === name));
  return (
    <>
      <Menu width={340} withinPortal>
        <Menu.Target>
          <Button
            variant="default"
            loading={plan.isPending}
            rightSection={<IconChevronDown size={16} aria-hidden />}
          >
            {t('act.more')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {offers.map(({ action, allowed, reason }) => (
            <Menu.Item
              key={action}
              disabled={!allowed}
              onClick={() => plan.mutate({ action, installations: [installation.id] })}
            >
              {t(`action.${action}`)}
              {!allowed && <span className="menu-reason">{reason}</span>}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {plan.error !== null && <ProblemNote error={plan.error} />}
    </>
  );
}
