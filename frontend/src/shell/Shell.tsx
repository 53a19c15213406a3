import { Outlet, useRouterState } from '@tanstack/react-router';
import { useDisclosure } from '@mantine/hooks';
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { PlanDialog } from '../features/plan/PlanDialog';
import { AlertingBanner } from './AlertingBanner';
import { KeyboardHelp } from './KeyboardHelp';
import { OfflineBanner } from './OfflineBanner';
import { Sidebar } from './Sidebar';
import { Topbar } from './Topbar';
import { useFocusReturn } from './use-focus-return';
import { VersionBanner } from './VersionBanner';

const Palette = lazy(async () => ({ default: (await import('../features/palette/Palette')).Palette }));

/** The frame around every page behind the sign-in. */
export function Shell() {
  const { t } = useTranslation();
  const [navOpen, nav] = useDisclosure(false);
  const [helpOpen, help] = useDisclosure(false);
  const [paletteOpen, palette] = useDisclosure(false);
  // Loaded with its first use, and kept for its closing.
  const [paletteUsed, setPaletteUsed] = useState(false);
  const { open: showPalette } = palette;
  const openPalette = useCallback(() => {
    setPaletteUsed(true);
    showPalette();
  }, [showPalette]);
  usePaletteKey(openPalette);
  useFocusReturn();
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
          <Topbar onHelp={help.open} onSearch={openPalette} onNav={nav.toggle} navOpen={navOpen} />
          <OfflineBanner />
          <VersionBanner />
          <AlertingBanner />
          <main id="main" tabIndex={-1}>
            <Outlet />
          </main>
        </div>
      </div>
      {paletteUsed && (
        <Suspense fallback={null}>
          <Palette opened={paletteOpen} onClose={palette.close} />
        </Suspense>
      )}
      <PlanDialog />
      <KeyboardHelp opened={helpOpen} onOpen={help.open} onClose={help.close} />
    </>
  );
}

/** Ctrl K, and ⌘ K, from anywhere, also out of a field. */
function usePaletteKey(open: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      open();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [open]);
}
