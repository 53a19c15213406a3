import { describe, expect, it } from 'vitest';
import type { ProfileSetting, PurposeOptions } from '../../api/types';
import { hashesFor, isOpen, notInVersion, wantedOf, withWanted } from './settings';

const options: PurposeOptions = {
  purpose: 'tomcat',
  signing: ['ca_signed', 'self_signed'],
  keys: [
    { key_type: 'RSA', bits: 2048, hashes: ['SHA256'], evidence: 'certain', notes: [] },
    { key_type: 'EC', bits: 384, hashes: ['SHA384', 'SHA512'], evidence: 'certain', notes: [] },
  ],
  multi_server_ca_signed: true,
  multi_server_self_signed: false,
};

describe('settings of a profile', () => {
  const settings: ProfileSetting[] = [
    { product: 'cucm', purpose: 'tomcat', signing: 'ca_signed' },
    { product: 'imp', purpose: 'tomcat', signing: 'self_signed' },
  ];

  it('are changed for one purpose of one product only', () => {
    const changed = withWanted(settings, 'cucm', 'tomcat', { signing: 'self_signed', validity_years: 5 });
    expect(wantedOf(changed, 'cucm', 'tomcat')).toEqual({ signing: 'self_signed', validity_years: 5 });
    expect(wantedOf(changed, 'imp', 'tomcat')).toEqual({ signing: 'self_signed' });
    expect(wantedOf(settings, 'cucm', 'tomcat')).toEqual({ signing: 'ca_signed' });
  });

  it('do not name a purpose that wants nothing', () => {
    expect(withWanted(settings, 'cucm', 'tomcat', { signing: null, subject: [] })).toEqual([settings[1]]);
    expect(isOpen({ use_tomcat: false, subject: [] })).toBe(true);
    expect(isOpen({ multi_server: false })).toBe(false);
  });

  it('have only hashes that are as strong as the key', () => {
    expect(hashesFor(options, 'EC 384')).toEqual(['SHA384', 'SHA512']);
    expect(hashesFor(options, '')).toEqual(['SHA256', 'SHA384', 'SHA512']);
  });

  it('name what a version cannot have', () => {
    expect(notInVersion(options, { signing: 'self_signed', multi_server: true })).toEqual(['multi_server']);
    expect(notInVersion(options, { key_type: 'RSA', key_bits: 4096, use_tomcat: true })).toEqual([
      'use_tomcat',
      'key_type',
    ]);
    expect(
      notInVersion(options, { signing: 'ca_signed', multi_server: true, key_type: 'EC', key_bits: 384 }),
    ).toEqual([]);
  });
});
