import { Button, Menu } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Installation } from '../../api/types';
import { ProblemNote } from '../../components/States';
import { usePlan } from '../plan/use-plan';
import { ActionItems } from './ActionItems';

/** The actions of a panel; those that need more than their target have their own place in it. */
export function ActionMenu({ installation }: { installation: Installation }) {
  const { t } = useTranslation();
  const plan = usePlan();
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
          <ActionItems installation={installation} onPlan={plan.mutate} />
        </Menu.Dropdown>
      </Menu>
      {plan.error !== null && <ProblemNote error={plan.error} />}
    </>
  );
}
