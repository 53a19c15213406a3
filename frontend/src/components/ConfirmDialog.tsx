import { Button, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemNote } from './States';

interface ConfirmDialogProps {
  title: string;
  /** What happens, in full. */
  children: ReactNode;
  act: string;
  /** What the way back says, where it is more than "cancel". */
  back?: string;
  opened: boolean;
  busy: boolean;
  error: unknown;
  onAct: () => void;
  onClose: () => void;
}

/** Asks before something is done that cannot be taken back by a click. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={props.title}
      closeButtonProps={{ 'aria-label': t('act.close') }}
    >
      <div className="form">
        {props.error !== null && <ProblemNote error={props.error} />}
        <div>{props.children}</div>
        <div className="form-actions">
          <Button variant="default" onClick={props.onClose} data-autofocus>
            {props.back ?? t('act.cancel')}
          </Button>
          <Button className="button-danger" loading={props.busy} onClick={props.onAct}>
            {props.act}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
