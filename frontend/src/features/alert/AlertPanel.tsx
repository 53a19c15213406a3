import { useQuery } from '@tanstack/react-query';
import { installationQuery } from '../../api/queries';
import type { Installation } from '../../api/types';
import { InstallationPanel } from '../certificate/InstallationPanel';
import { TrustPanel } from '../certificate/TrustPanel';

interface AlertPanelProps {
  /** The installation. */
  id: string;
  /** Its row, where the list has it; an address may name one that the list does not show. */
  row: Installation | undefined;
  onClose: () => void;
}

/** The panel of an alert: the one of its kind (R9). */
export function AlertPanel({ id, row, onClose }: AlertPanelProps) {
  const read = useQuery({ ...installationQuery(id), enabled: row === undefined });
  const installation = row ?? read.data;
  if (installation?.kind === 'trust') {
    return <TrustPanel id={installation.certificate_id} rowId={id} onClose={onClose} />;
  }
  // It shows the wait for an unknown one, and why it cannot be read, too.
  return <InstallationPanel id={id} row={row} onClose={onClose} />;
}
