import { ActionIcon, Menu } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface RowMenuProps {
  /** What the row is about, for those who listen. */
  name: string;
  children: ReactNode | (() => ReactNode);
}

/** What can be done with a row. The menu is made when it is first opened: fifty of them would cost as much as the table. */
export function RowMenu({ name, children }: RowMenuProps) {
  const { t } = useTranslation();
  const [used, setUsed] = useState(false);
  const [opened, setOpened] = useState(false);
  const own = useRef<HTMLButtonElement>(null);
  // The button of the menu is a new one: it has to have the focus before the menu opens, or nothing gives it back.
  useEffect(() => {
    if (!used) return;
    own.current?.focus();
    setOpened(true);
  }, [used]);
  const button = (
    <ActionIcon
      ref={own}
      className="row-menu"
      aria-label={t('act.row', { name })}
      aria-haspopup="menu"
      aria-expanded={opened}
      onClick={used ? undefined : () => setUsed(true)}
    >
      <IconDots size={18} aria-hidden />
    </ActionIcon>
  );
  if (!used) return button;
  return (
    <Menu opened={opened} onChange={setOpened} width={300} withinPortal>
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>{typeof children === 'function' ? children() : children}</Menu.Dropdown>
    </Menu>
  );
}
