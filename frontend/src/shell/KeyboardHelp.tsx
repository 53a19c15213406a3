import { Kbd, Modal } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useShortcut } from '../lib/shortcuts';

interface KeyboardHelpProps {
  opened: boolean;
  onOpen: () => void;
  onClose: () => void;
}

const KEYS: { keys: string[]; what: string }[] = [
  { keys: ['Ctrl', 'K'], what: 'keys.palette' },
  { keys: ['/'], what: 'keys.search' },
  { keys: ['J'], what: 'keys.next' },
  { keys: ['K'], what: 'keys.previous' },
  { keys: ['Enter'], what: 'keys.open' },
  { keys: ['X'], what: 'keys.select' },
  { keys: ['Esc'], what: 'keys.close' },
  { keys: ['?'], what: 'keys.help' },
];

export function KeyboardHelp({ opened, onOpen, onClose }: KeyboardHelpProps) {
  const { t } = useTranslation();
  useShortcut('?', onOpen);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('keys.title')}
      size="sm"
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <dl className="keys">
        {KEYS.map(({ keys, what }) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dt>
            <dd>{t(what)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
