import { describe, expect, it } from 'vitest';
import { keyChoices, presetKey, readNames } from './csr-choices';

describe('keys of a CSR', () => {
  it('are EC for an ECDSA purpose of a UC node, RSA for the others', () => {
    expect(keyChoices('cucm', 'tomcat-ECDSA').every((choice) => choice.type === 'EC')).toBe(true);
    expect(keyChoices('cucm', 'tomcat').every((choice) => choice.type === 'RSA')).toBe(true);
  });

  it('never pair a hash with a stronger key', () => {
    const p521 = keyChoices('server', 'nginx:a').find((choice) => choice.bits === 521);
    expect(p521?.hashes).toEqual(['SHA512']);
  });

  it('start with the key that is there', () => {
    const choices = keyChoices('server', 'nginx:a');
    expect(presetKey(choices, { type: 'EC', bits: 384 }).value).toBe('EC-384');
    expect(presetKey(choices, { type: 'RSA', bits: 1024 }).value).toBe('RSA-2048');
  });
});

describe('readNames', () => {
  it('takes lines, commas and blanks, each name once', () => {
    expect(readNames('a.example\n b.example, a.example;c.example\n')).toEqual([
      'a.example',
      'b.example',
      'c.example',
    ]);
  });
});
