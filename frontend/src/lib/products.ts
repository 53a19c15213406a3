import { useTranslation } from 'react-i18next';
import type { Connector, NodeRole } from '../api/types';

interface ProductFacts {
  versions: string[];
  /** Driver of the newest version: older ones may have only their command line. */
  connector: Connector;
  roles: NodeRole[];
}

const RELEASES = ['11.5', '12.5', '14', '15'];

/** Products in the order of the catalogue, each with the versions that it comes in and the roles of its nodes. */
export const PRODUCTS: Record<string, ProductFacts> = {
  cucm: { versions: RELEASES, connector: 'cisco_uc', roles: ['publisher', 'subscriber'] },
  imp: { versions: RELEASES, connector: 'cisco_uc', roles: ['publisher', 'subscriber'] },
  cuc: { versions: RELEASES, connector: 'cisco_uc', roles: ['publisher', 'subscriber'] },
  cer: { versions: RELEASES, connector: 'cisco_uc', roles: ['publisher', 'subscriber'] },
  server: { versions: [], connector: 'nginx', roles: ['standalone'] },
};

/** The driver for nodes of a version: before release 14 they have no REST API. */
export function connectorOf(product: string, version: string): Connector {
  const newest = PRODUCTS[product]?.connector ?? 'cisco_uc';
  return newest === 'cisco_uc' && Number.parseFloat(version) < 14 ? 'cisco_cli' : newest;
}

export function useProductName(): (product: string) => string {
  const { t } = useTranslation();
  return (product) => t(`product.${product}`, { defaultValue: product });
}
