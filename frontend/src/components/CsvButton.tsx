import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

/** Downloads all rows of a list, not only those on screen. `href` carries the filters of the list. */
export function CsvButton({ href }: { href: string }) {
  const { t } = useTranslation();
  return (
    <Button
      component="a"
      href={href}
      download
      variant="default"
      leftSection={<IconDownload size={16} aria-hidden />}
    >
      {t('act.csv')}
    </Button>
  );
}
