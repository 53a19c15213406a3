import type { ReactNode } from 'react';
import type { Cluster } from '../../api/types';

export interface TabProps {
  cluster: Cluster;
  /** Puts the cluster's header, cards and tabs around the content. */
  frame: (content: ReactNode) => ReactNode;
}
