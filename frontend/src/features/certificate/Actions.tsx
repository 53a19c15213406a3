import { Button, Menu } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { IconChevronDown, IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { takeText } from '../../api/client';
import { CopyButton } from '../../components/Copy';

/** Copy and download of one certificate, the same for identity and trust. */
export function CertificateFiles({ certificateId }: { certificateId: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const path = `/api/v1/certificates/${certificateId}`;
  const readPem = () =>
    client.fetchQuery({
      queryKey: ['certificates', 'pem', certificateId],
      queryFn: () => takeText(`${path}.pem`),
      staleTime: Infinity,
    });
  return (
    <>
      <CopyButton text={readPem} label={t('act.copy_pem')} />
      <Menu>
        <Menu.Target>
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            rightSection={<IconChevronDown size={14} aria-hidden />}
          >
            {t('act.download')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item component="a" href={`${path}.pem`} download>
            {t('act.download_pem')}
          </Menu.Item>
          <Menu.Item component="a" href={`${path}.der`} download>
            {t('act.download_der')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
