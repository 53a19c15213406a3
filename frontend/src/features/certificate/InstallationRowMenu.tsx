import { Menu } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Installation } from '../../api/types';
import { RowMenu } from '../../components/RowMenu';
import { usePermissions } from '../../shell/session';
import { usePlanOrToast } from '../plan/use-plan';
import { ActionItems } from './ActionItems';

interface InstallationRowMenuProps {
  installation: Installation;
  /** Opens the panel of the row, where it makes a CSR and takes the answer. */
  onSteps: () => void;
}

/** The menu of a row with an identity certificate. */
export function InstallationRowMenu({ installation, onSteps }: InstallationRowMenuProps) {
  return (
    <RowMenu name={`${installation.store}, ${installation.node.name}`}>
      {() => <InstallationItems installation={installation} onSteps={onSteps} />}
    </RowMenu>
  );
}

function InstallationItems({ installation, onSteps }: InstallationRowMenuProps) {
  const { t } = useTranslation();
  const { operate } = usePermissions();
  const plan = usePlanOrToast();
  const waiting = installation.csr != null;
  return (
    <>
      {operate && (
        <Menu.Item onClick={onSteps}>{waiting ? t('act.upload') : t('action.generate_csr')}</Menu.Item>
      )}
      {operate && <ActionItems installation={installation} onPlan={plan.mutate} />}
      {operate && <Menu.Divider />}
      <OpenPage certificateId={installation.certificate_id} />
    </>
  );
}

/** The menu of a row with a trusted certificate: its actions are for many clusters, and stand on its page. */
export function TrustRowMenu({ certificateId, name }: { certificateId: string; name: string }) {
  const { t } = useTranslation();
  return (
    <RowMenu name={name}>
      <OpenPage certificateId={certificateId} />
      <Menu.Item component="a" href={`/api/v1/certificates/${certificateId}.pem`} download>
        {t('act.download_pem')}
      </Menu.Item>
      <Menu.Item component="a" href={`/api/v1/certificates/${certificateId}.der`} download>
        {t('act.download_der')}
      </Menu.Item>
    </RowMenu>
  );
}

function OpenPage({ certificateId }: { certificateId: string }) {
  const { t } = useTranslation();
  return (
    <Menu.Item
      renderRoot={(props) => <Link {...props} to="/certificates/$certificateId" params={{ certificateId }} />}
    >
      {t('act.open_page')}
    </Menu.Item>
  );
}
