import type { CertificateSort } from '../../api/types';

const SORTS: CertificateSort[] = ['not_after', 'common_name'];

/** An order out of an address; anything else is the one that shows first what ends first. */
export function readSort(text: string | undefined): CertificateSort {
  return SORTS.find((sort) => sort === text) ?? 'not_after';
}
