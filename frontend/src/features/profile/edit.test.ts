import { describe, expect, it } from 'vitest';
import { editOf, fieldsOf, settingOf } from './edit';

const edit = {
  name: 'Campus',
  description: '',
  settings: [
    {
      product: 'cucm',
      purpose: 'tomcat',
      signing: 'ca_signed' as const,
      use_tomcat: false,
      multi_server: false,
    },
    { product: 'imp', purpose: 'cup-xmpp', key_bits: 4096, hash: null },
  ],
};

describe('a profile as flat fields', () => {
  it('has one for each value that is wanted, and comes back', () => {
    const fields = fieldsOf(edit);
    expect(fields).toEqual({
      name: 'Campus',
      description: '',
      'cucm · tomcat · signing': 'ca_signed',
      'cucm · tomcat · multi_server': false,
      'imp · cup-xmpp · key_bits': 4096,
    });
    expect(fieldsOf(editOf(fields))).toEqual(fields);
  });

  it('names a field of the server by product, purpose and rule', () => {
    const same = (text: string) => text;
    expect(settingOf('settings[1].key_bits', edit.settings, same, same)).toBe('imp · cup-xmpp · key_bits');
    expect(settingOf('name', edit.settings, same, same)).toBeUndefined();
    expect(settingOf('settings[9].hash', edit.settings, same, same)).toBeUndefined();
  });
});
