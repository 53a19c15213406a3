import createClient, { type Middleware } from 'openapi-fetch';
import { noteServerVersion } from '../lib/server-version';
import { ApiError, networkError, readProblem } from './problem';
import type { paths } from './schema';

/** Sent with each request that changes something: a page of another origin cannot add it. */
const CSRF_HEADER = 'X-Certyard-CSRF';

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET') request.headers.set(CSRF_HEADER, '1');
    // A new key for each act of the user: a request that the network repeats has its effect once.
    if (request.method === 'POST') request.headers.set('Idempotency-Key', crypto.randomUUID());
    return request;
  },
  async onResponse({ response }) {
    noteServerVersion(response.headers.get('X-Certyard-Version'));
    if (!response.ok) throw new ApiError(await readProblem(response));
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    return networkError();
  },
};

export const client = createClient<paths>({ credentials: 'same-origin' });
client.use(guard);

/** The body of an answer. A refusal has been thrown by then, as an `ApiError`. */
export async function take<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

/** A thing as it was read, with the version that an edit names. */
export interface Tagged<T> {
  data: T;
  etag: string | null;
}

/** The body of an answer with its ETag, for an edit with If-Match. */
export async function takeTagged<T>(answer: Promise<{ data?: T; response: Response }>): Promise<Tagged<T>> {
  const { data, response } = await answer;
  return { data: data as T, etag: response.headers.get('etag') };
}

/** A file as the API takes it: one multipart field `file`. */
export function fileBody(file: File): { body: never; bodySerializer: () => FormData } {
  const form = new FormData();
  form.append('file', file);
  return { body: {} as never, bodySerializer: () => form };
}

/** A text answer, for instance a certificate as PEM. */
export async function takeText(path: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin' });
  } catch {
    throw networkError();
  }
  if (!response.ok) throw new ApiError(await readProblem(response));
  return response.text();
}
