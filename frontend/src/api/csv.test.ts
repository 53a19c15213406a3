import { describe, expect, it } from 'vitest';
import { csvHref } from './csv';

describe('csvHref', () => {
  it('repeats a name for each value and leaves out what is not set', () => {
    const query = { search: undefined, certificate: ['tomcat', 'tomcat-trust'], kind: 'trust' as const };
    expect(csvHref('/api/v1/alerts.csv', { query })).toBe(
      '/api/v1/alerts.csv?certificate=tomcat&certificate=tomcat-trust&kind=trust',
    );
  });

  it('has no question mark without a filter', () => {
    expect(csvHref('/api/v1/alerts.csv', {})).toBe('/api/v1/alerts.csv');
    expect(csvHref('/api/v1/alerts.csv', { query: { product: [] } })).toBe('/api/v1/alerts.csv');
  });

  it('keeps what people write apart from the address', () => {
    const path = { id: '0190a000-0000-7000-8000-000000000000' };
    expect(
      csvHref('/api/v1/clusters/{id}/identity-certificates.csv', { path, query: { search: 'a&b=c #1' } }),
    ).toBe(`/api/v1/clusters/${path.id}/identity-certificates.csv?search=a%26b%3Dc%20%231`);
  });
});
