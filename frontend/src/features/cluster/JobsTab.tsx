import { JobsList } from '../job/JobsList';
import type { TabProps } from './tab-props';

export function JobsTab({ cluster, frame }: TabProps) {
  return <div className="page">{frame(<JobsList clusterId={cluster.id} />)}</div>;
}
