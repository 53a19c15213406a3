import { useTranslation } from 'react-i18next';
import type { Connector, NodeRole } from '../api/types';

interface ProductFacts {
  versions: string[];
  connector: Connector;
  roles: NodeRole[];
}

/** Products in the order of the catalogue, each with the versions that it comes in and the roles of its nodes. */
export const PRODUCTS: Record<string, ProductFacts> = {
  cucm: { versions: ['14', '15'], connector: 'cisco_uc', roles: ['publisher', 'subscriber'] },
  imp: { versions: ['14', '15'], connector: 'cisco_uc', roles: ['publisher', 'subscriber'] },
  server: { versions: [], connector: 'nginx', roles: ['standalone'] },
};

export function useProductName(): (product: string) => string {
  const { t } = useTranslation();
  return (product) => t(`product.${product}`, { defaultValue: product });
}
