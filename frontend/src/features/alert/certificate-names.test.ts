import { describe, expect, it } from 'vitest';
import type { CatalogueProduct } from '../../api/types';
import { certificateNames } from './certificate-names';

function product(id: string, purposes: string[], trust_stores: string[]): CatalogueProduct {
  return {
    id,
    name: id,
    versions: [],
    connectors: [],
    roles: [],
    trust_stores,
    purposes: purposes.map((name) => ({
      name,
      key_types: [],
      multi_server: false,
      restarts: [],
      evidence: 'certain',
    })),
  };
}

const CATALOGUE = [
  product('cucm', ['tomcat', 'CallManager'], ['tomcat-trust', 'CallManager-trust']),
  product('imp', ['tomcat', 'cup'], ['tomcat-trust', 'cup-trust']),
];

describe('certificateNames', () => {
  it('has each name of all products once, in order', () => {
    expect(certificateNames(CATALOGUE, [], undefined, [])).toEqual([
      'CallManager',
      'CallManager-trust',
      'cup',
      'cup-trust',
      'tomcat',
      'tomcat-trust',
    ]);
  });

  it('has only what the chosen products and kind have', () => {
    expect(certificateNames(CATALOGUE, ['imp'], 'identity', [])).toEqual(['cup', 'tomcat']);
    expect(certificateNames(CATALOGUE, ['cucm'], 'trust', [])).toEqual(['CallManager-trust', 'tomcat-trust']);
  });

  it('keeps what is chosen, so that it can be taken back', () => {
    expect(certificateNames(CATALOGUE, ['imp'], 'identity', ['ipsec'])).toEqual(['cup', 'ipsec', 'tomcat']);
    expect(certificateNames([], [], undefined, ['ipsec'])).toEqual(['ipsec']);
  });
});
