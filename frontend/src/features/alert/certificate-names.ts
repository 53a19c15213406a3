import type { CatalogueProduct, StoreKind } from '../../api/types';

/** Purposes and trust stores to choose from: of the chosen products (none: of all) and kind, and whatever is chosen already. */
export function certificateNames(
  catalogue: CatalogueProduct[],
  products: string[],
  kind: StoreKind | undefined,
  chosen: string[],
): string[] {
  const names = catalogue
    .filter((product) => products.length === 0 || products.includes(product.id))
    .flatMap((product) => [
      ...(kind === 'trust' ? [] : product.purposes.map((purpose) => purpose.name)),
      ...(kind === 'identity' ? [] : product.trust_stores),
    ]);
  return [...new Set([...names, ...chosen])].sort((a, b) => a.localeCompare(b, 'en'));
}
