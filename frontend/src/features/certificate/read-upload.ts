/** Files that hold certificates, for the chooser. */
export const CERTIFICATE_FILES = '.pem,.crt,.cer,.der,.p7b,.p7c,.txt';

const PEM_MARK = '-----BEGIN ';

/** The bytes of a file as the API takes them: PEM as it is, anything else as base64. */
export async function readUpload(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  return text.includes(PEM_MARK) ? text : toBase64(bytes);
}

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
