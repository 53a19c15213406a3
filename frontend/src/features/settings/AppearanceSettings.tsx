import {
  SegmentedControl,
  Select,
  Switch,
  useMantineColorScheme,
  type MantineColorScheme,
} from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { LANGUAGES, setLanguage } from '../../i18n';
import { hasHighContrast, setHighContrast } from '../../lib/contrast';
import { currentDensity, DENSITIES, setDensity } from '../../lib/density';

const SCHEMES: MantineColorScheme[] = ['light', 'dark', 'auto'];

/** How the pages look in this browser. */
export function AppearanceSettings() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [contrast, setContrast] = useState(hasHighContrast);
  const [density, setShown] = useState(currentDensity);
  return (
    <section className="card settings-card" aria-label={t('settings.appearance')}>
      <div>
        <span className="field-label" id="scheme-label">
          {t('shell.theme')}
        </span>
        <SegmentedControl
          fullWidth
          aria-labelledby="scheme-label"
          data={SCHEMES.map((value) => ({ value, label: t(`scheme.${value}`) }))}
          value={colorScheme}
          onChange={(next) => setColorScheme(SCHEMES.find((value) => value === next) ?? 'auto')}
        />
      </div>
      <Switch
        label={t('settings.contrast')}
        description={t('settings.contrast_text')}
        checked={contrast}
        onChange={({ currentTarget: { checked } }) => {
          setContrast(checked);
          setHighContrast(checked);
        }}
      />
      <div>
        <span className="field-label" id="density-label">
          {t('settings.density')}
        </span>
        <SegmentedControl
          fullWidth
          aria-labelledby="density-label"
          data={DENSITIES.map((value) => ({ value, label: t(`density.${value}`) }))}
          value={density}
          onChange={(next) => {
            const chosen = DENSITIES.find((value) => value === next) ?? 'comfortable';
            setShown(chosen);
            setDensity(chosen);
          }}
        />
      </div>
      <Select
        label={t('shell.language')}
        data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
        value={i18n.language}
        onChange={(next) => void setLanguage(next ?? i18n.language)}
      />
      <p className="dim">{t('settings.this_browser')}</p>
    </section>
  );
}
