import { Outlet, useRouterState } from '@tanstack/react-router';
import { useDisclosure } from '@mantine/hooks';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { PlanDialog } from '../features/plan/PlanDialog';
import { KeyboardHelp } from './KeyboardHelp';
import { OfflineBanner } from './OfflineBanner';
import { Sidebar } from './Sidebar';
import { Topbar } from './Topbar';
import { VersionBanner } from './VersionBanner';

/** The frame around every page behind the sign-in. */
export function Shell() {
  const { t } = useTranslation();
  const [navOpen, nav] = useDisclosure(false);
  const [helpOpen, help] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const { close: closeNav } = nav;
  useEffect(() => closeNav(), [path, closeNav]);
  return (
    <>
      <a className="skip-link" href="#main">
        {t('shell.skip')}
      </a>
      <div className="shell">
        <Sidebar open={navOpen} onClose={nav.close} />
        <div className="stage">
          <Topbar onHelp={help.open} onNav={nav.toggle} navOpen={navOpen} />
          <OfflineBanner />
          <VersionBanner />
          <main id="main" tabIndex={-1}>
            <Outlet />
          </main>
        </div>
      </div>
      <PlanDialog />
      <KeyboardHelp opened={helpOpen} onOpen={help.open} onClose={help.close} />
    </>
  );
}
