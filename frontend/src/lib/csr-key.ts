/** Whether a CA's answer is for the key of a CSR, told from the files alone before anybody is asked. */

/** The bytes of each DER file in what was chosen: PEM blocks, or the file itself. */
function filesIn(bytes: Uint8Array): Uint8Array[] {
  const text = new TextDecoder('latin1').decode(bytes);
  const blocks = [...text.matchAll(/-----BEGIN [^-]+-----([^-]+)-----END /g)];
  if (blocks.length === 0) return [bytes];
  return blocks.flatMap(([, body = '']) => {
    const decoded = fromBase64(body);
    return decoded === null ? [] : [decoded];
  });
}

function fromBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text.replace(/\s+/g, '')), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

interface Element {
  /** Begin of its tag, of its content, and the end of it. */
  start: number;
  content: number;
  end: number;
}

/** The DER element that begins at `start` (X.690, 8.1); null where there is none of a definite length. */
function elementAt(bytes: Uint8Array, start: number): Element | null {
  const first = bytes[start + 1];
  if (first === undefined || first === 0x80) return null;
  const count = first < 0x80 ? 0 : first & 0x7f;
  let length = first < 0x80 ? first : 0;
  for (let index = 0; index < count; index += 1) length = length * 256 + (bytes[start + 2 + index] ?? 0);
  const content = start + 2 + count;
  return content + length > bytes.length ? null : { start, content, end: content + length };
}

/** SubjectPublicKeyInfo of a CSR (RFC 2986, 4.1): the third part of what is signed, after version and subject. */
function publicKeyOf(csr: Uint8Array): Uint8Array | null {
  const whole = elementAt(csr, 0);
  const info = whole === null ? null : elementAt(csr, whole.content);
  const version = info === null ? null : elementAt(csr, info.content);
  const subject = version === null ? null : elementAt(csr, version.end);
  const key = subject === null ? null : elementAt(csr, subject.end);
  return key === null ? null : csr.subarray(key.start, key.end);
}

function includes(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let at = bytes.indexOf(part[0] ?? -1); at >= 0; at = bytes.indexOf(part[0] ?? -1, at + 1)) {
    if (at + part.length > bytes.length) return false;
    if (part.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}

/**
 * Whether a file holds a certificate with the key of a CSR: a certificate, alone or in PKCS#7, carries it byte for byte. Null where the CSR
 * cannot be read here; then the server tells.
 */
export function holdsKeyOf(csrPem: string, file: Uint8Array): boolean | null {
  const [csr] = filesIn(new TextEncoder().encode(csrPem));
  const key = csr === undefined ? null : publicKeyOf(csr);
  return key === null ? null : filesIn(file).some((bytes) => includes(bytes, key));
}
