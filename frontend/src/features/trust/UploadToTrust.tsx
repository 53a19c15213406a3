import { Button, Modal } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DistributeForm } from './DistributeForm';

/** Puts a certificate from a file into trust stores, of this cluster at first (R21). */
export function UploadToTrust({ clusterId }: { clusterId: string }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const close = () => setOpened(false);
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconUpload size={16} aria-hidden />}
        onClick={() => setOpened(true)}
      >
        {t('trust.upload')}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={t('trust.upload')}
        size={620}
        closeButtonProps={{ 'aria-label': t('act.close') }}
      >
        <DistributeForm clusters={[clusterId]} onClose={close} />
      </Modal>
    </>
  );
}
