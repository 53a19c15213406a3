import { useTranslation } from 'react-i18next';

/** Products in the order of the catalogue, each with the versions that it comes in and the roles of its nodes. */
export const PRODUCTS: Record<string, { versions: string[]; connector: string; roles: string[] }> = {
  cucm: { versions: ['14', '15'], connector: 'cisco_uc', roles: ['publisher', 'subscriber'] },
  imp: { versions: ['14', '15'], connector: 'cisco_uc', roles: ['publisher', 'subscriber'] },
  server: { versions: [], connector: 'nginx', roles: ['standalone'] },
};

export function useProductName(): (product: string) => string {
  const { t } = useTranslation();
  return (product) => t(`product.${product}`, { defaultValue: product });
}
