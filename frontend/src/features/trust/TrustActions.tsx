import { Button, Menu, Modal } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconChevronDown } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Certificate } from '../../api/types';
import { useMayChangeRoots } from '../root-change/permission';
import { DistributeForm } from './DistributeForm';
import { RemoveForm } from './RemoveForm';

type Dialog = 'distribute' | 'replace' | 'delete';

const DIALOGS: Dialog[] = ['distribute', 'replace', 'delete'];

/** What can be done with a trusted certificate in many clusters at once (R16, R19, R20). */
export function TrustActions({ certificate }: { certificate: Certificate }) {
  const { t } = useTranslation();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const mayChangeRoots = useMayChangeRoots();
  return (
    <>
      <Menu>
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={16} aria-hidden />}>
            {t('act.more')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {DIALOGS.map((name) => (
            <Menu.Item key={name} onClick={() => setDialog(name)}>
              {t(`action.${name}`)}
            </Menu.Item>
          ))}
          {certificate.is_ca && mayChangeRoots && (
            <Menu.Item
              renderRoot={(props) => (
                <Link
                  {...props}
                  to="/root-changes/$rootChangeId"
                  params={{ rootChangeId: 'new' }}
                  search={{ certificate: certificate.id }}
                />
              )}
            >
              {t('root.change_this')}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Modal
        opened={dialog !== null}
        onClose={close}
        title={dialog === null ? '' : t(`action.${dialog}`)}
        size={620}
        closeButtonProps={{ 'aria-label': t('act.close') }}
      >
        {dialog === 'distribute' && <DistributeForm certificateIds={[certificate.id]} onClose={close} />}
        {(dialog === 'replace' || dialog === 'delete') && (
          <RemoveForm action={dialog} certificate={certificate} onClose={close} />
        )}
      </Modal>
    </>
  );
}
