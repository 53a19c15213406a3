import {
  ActionIcon,
  Kbd,
  Menu,
  Tooltip,
  useMantineColorScheme,
  type MantineColorScheme,
} from '@mantine/core';
import {
  IconCheck,
  IconContrast,
  IconDeviceDesktop,
  IconHelp,
  IconLanguage,
  IconLogout,
  IconMenu2,
  IconMoon,
  IconSearch,
  IconSun,
  type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useState } from 'react';
import { LANGUAGES, setLanguage } from '../i18n';
import { hasHighContrast, setHighContrast } from '../lib/contrast';
import { useMe, useSignOut } from './session';

interface TopbarProps {
  onHelp: () => void;
  onSearch: () => void;
  onNav: () => void;
  navOpen: boolean;
}

export function Topbar({ onHelp, onSearch, onNav, navOpen }: TopbarProps) {
  const { t } = useTranslation();
  return (
    <header className="topbar">
      <ActionIcon
        className="topbar-nav"
        size="lg"
        aria-label={t('shell.nav')}
        aria-expanded={navOpen}
        aria-controls="sidebar"
        onClick={onNav}
      >
        <IconMenu2 size={20} aria-hidden />
      </ActionIcon>
      <button type="button" className="topbar-search" onClick={onSearch}>
        <IconSearch size={17} aria-hidden />
        <span>{t('palette.open')}</span>
        <span className="topbar-keys" aria-hidden>
          <Kbd>Ctrl</Kbd>
          <Kbd>K</Kbd>
        </span>
      </button>
      <div className="topbar-space" />
      <LanguageMenu />
      <SchemeMenu />
      <Tooltip label={`${t('keys.title')} (?)`}>
        <ActionIcon size="lg" aria-label={t('keys.title')} onClick={onHelp}>
          <IconHelp size={20} aria-hidden />
        </ActionIcon>
      </Tooltip>
      <AccountMenu />
    </header>
  );
}

export function LanguageMenu() {
  const { t, i18n } = useTranslation();
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon size="lg" aria-label={t('shell.language')} title={t('shell.language')}>
          <IconLanguage size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('shell.language')}</Menu.Label>
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <Menu.Item
            key={code}
            lang={code}
            aria-current={code === i18n.language}
            rightSection={code === i18n.language ? <IconCheck size={16} aria-hidden /> : null}
            onClick={() => void setLanguage(code)}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

const SCHEMES: { value: MantineColorScheme; icon: Icon }[] = [
  { value: 'light', icon: IconSun },
  { value: 'dark', icon: IconMoon },
  { value: 'auto', icon: IconDeviceDesktop },
];

export function SchemeMenu() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [contrast, setContrast] = useState(hasHighContrast);
  const Mark = SCHEMES.find((scheme) => scheme.value === colorScheme)?.icon ?? IconSun;
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon size="lg" aria-label={t('shell.theme')} title={t('shell.theme')}>
          <Mark size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('shell.theme')}</Menu.Label>
        {SCHEMES.map(({ value, icon: Sign }) => (
          <Menu.Item
            key={value}
            aria-current={value === colorScheme}
            leftSection={<Sign size={16} aria-hidden />}
            rightSection={value === colorScheme ? <IconCheck size={16} aria-hidden /> : null}
            onClick={() => setColorScheme(value)}
          >
            {t(`scheme.${value}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item
          role="menuitemcheckbox"
          aria-checked={contrast}
          leftSection={<IconContrast size={16} aria-hidden />}
          rightSection={contrast ? <IconCheck size={16} aria-hidden /> : null}
          onClick={() => {
            setHighContrast(!contrast);
            setContrast(!contrast);
          }}
        >
          {t('settings.contrast')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '');
  return `${words[0]?.[0] ?? '?'}${words.length > 1 ? (words.at(-1)?.[0] ?? '') : ''}`.toUpperCase();
}

function AccountMenu() {
  const { t } = useTranslation();
  const me = useMe();
  const signOut = useSignOut();
  return (
    <Menu width={240}>
      <Menu.Target>
        <button
          type="button"
          className="avatar"
          aria-label={`${initials(me.user.name)}, ${t('shell.account')}: ${me.user.name}`}
        >
          {initials(me.user.name)}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className="account">
          <strong>{me.user.name}</strong>
          <span>{me.user.email}</span>
        </div>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void signOut()}>
          {t('shell.sign_out')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
