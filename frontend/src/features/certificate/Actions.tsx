import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconArrowsDiagonal, IconDownload } from '@tabler/icons-react';
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
          <ActionIcon variant="default" size={36} aria-label={t('act.download')} title={t('act.download')}>
            <IconDownload size={17} aria-hidden />
          </ActionIcon>
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

/** Leads from a panel to the whole page of a certificate. */
export function OpenPage({ certificateId }: { certificateId: string }) {
  const { t } = useTranslation();
  return (
    <Tooltip label={t('act.open_page')}>
      <ActionIcon
        variant="default"
        size={36}
        aria-label={t('act.open_page')}
        renderRoot={(props) => (
          <Link {...props} to="/certificates/$certificateId" params={{ certificateId }} />
        )}
      >
        <IconArrowsDiagonal size={17} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
