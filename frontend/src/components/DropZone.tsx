import { Button } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useEffect, useRef, useState, type ReactNode, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';

interface DropZoneProps {
  /** A file hangs over the area, as `useFileDrop` tells. */
  over: boolean;
  accept: string;
  onFile: (file: File) => void;
  children: ReactNode;
  busy: boolean;
}

/** Takes one file by the button; what is dropped or pasted around it comes by `useFileDrop`. */
export function DropZone({ over, accept, onFile, children, busy }: DropZoneProps) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className={over ? 'dropzone is-over' : 'dropzone'}>
      <IconUpload size={26} stroke={1.6} aria-hidden />
      <div>{children}</div>
      <Button variant="default" loading={busy} onClick={() => input.current?.click()}>
        {t('upload.choose')}
      </Button>
      <input
        ref={input}
        type="file"
        accept={accept}
        className="visually-hidden"
        tabIndex={-1}
        aria-label={t('upload.choose')}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file !== undefined) onFile(file);
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}

/** Takes a file dropped anywhere on `area`, or PEM text pasted there. Answers whether a file hangs over it. */
export function useFileDrop(area: RefObject<HTMLElement | null>, onFile: (file: File) => void): boolean {
  const [over, setOver] = useState(false);
  const latest = useRef(onFile);
  latest.current = onFile;
  useEffect(() => {
    const element = area.current;
    if (element === null) return undefined;
    const control = new AbortController();
    const options = { signal: control.signal };
    // Entering a child fires before leaving the parent: count, or the frame flickers.
    let depth = 0;
    const set = (next: number) => {
      depth = Math.max(0, next);
      setOver(depth > 0);
    };
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      set(0);
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) latest.current(file);
    };
    const onPaste = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData('text') ?? '';
      if (!text.includes('-----BEGIN ')) return;
      event.preventDefault();
      latest.current(new File([text], 'clipboard.pem', { type: 'application/x-pem-file' }));
    };
    element.addEventListener('dragenter', () => set(depth + 1), options);
    element.addEventListener('dragleave', () => set(depth - 1), options);
    element.addEventListener('dragover', (event) => event.preventDefault(), options);
    element.addEventListener('drop', onDrop, options);
    element.addEventListener('paste', onPaste, options);
    return () => control.abort();
  }, [area]);
  return over;
}
