import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { copyText } from '../lib/save';

const DONE_MS = 1800;

function useCopy(): [done: boolean, copy: (text: string | (() => Promise<string>)) => void] {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), DONE_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async (text: string | (() => Promise<string>)) => {
    const value = typeof text === 'string' ? text : await text();
    setDone(await copyText(value));
  };
  return [done, (text) => void copy(text)];
}

export function CopyIcon({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation();
  const [done, copy] = useCopy();
  const words = done ? t('act.copied') : label;
  return (
    <Tooltip label={words}>
      <ActionIcon size="sm" aria-label={words} onClick={() => copy(text)}>
        {done ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}

interface CopyButtonProps {
  text: string | (() => Promise<string>);
  label: string;
  variant?: 'default' | 'filled';
}

export function CopyButton({ text, label, variant = 'default' }: CopyButtonProps) {
  const { t } = useTranslation();
  const [done, copy] = useCopy();
  return (
    <Button
      variant={variant}
      leftSection={done ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
      onClick={() => copy(text)}
    >
      {done ? t('act.copied') : label}
    </Button>
  );
}

/** A command to run elsewhere, with the button that copies it. */
export function Command({ text, label }: { text: string; label: string }) {
  return (
    <div className="command">
      <pre tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <CopyIcon text={text} label={label} />
    </div>
  );
}
