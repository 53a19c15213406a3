/** What the server says when it refuses: RFC 9457 with our additions. */
export interface Problem {
  type?: string;
  title?: string;
  status: number;
  code: string;
  detail?: string;
  errors?: FieldError[];
  request_id?: string;
  [extension: string]: unknown;
}

export interface FieldError {
  field: string;
  code: string;
  message: string;
}

/** A refusal of the server, or `network` when it could not be asked. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title ?? problem.code);
    this.name = 'ApiError';
    this.problem = problem;
  }

  get status(): number {
    return this.problem.status;
  }

  get code(): string {
    return this.problem.code;
  }
}

export const NETWORK = 'network';

export function networkError(): ApiError {
  return new ApiError({ status: 0, code: NETWORK });
}

export function isNetworkError(error: unknown): boolean {
  return error instanceof ApiError && error.code === NETWORK;
}

/** Reads a refused answer; one that is not problem+json (from a proxy, say) becomes a problem of its status. */
export async function readProblem(response: Response): Promise<Problem> {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const fallback: Problem = {
    status: response.status,
    code: `http_${response.status}`,
    request_id: requestId,
  };
  if (!(response.headers.get('content-type') ?? '').includes('json')) return fallback;
  try {
    const body = (await response.json()) as Partial<Problem>;
    return { ...fallback, ...body, status: response.status };
  } catch {
    return fallback;
  }
}
