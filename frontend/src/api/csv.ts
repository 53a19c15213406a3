import { createFinalURL, createQuerySerializer, defaultPathSerializer } from 'openapi-fetch';
import type { paths } from './schema';

type CsvPath = Extract<keyof paths, `${string}.csv`>;

type CsvParams<P extends CsvPath> = Pick<paths[P]['get']['parameters'], 'path' | 'query'>;

const querySerializer = createQuerySerializer();

/** The address of a whole list as CSV, with the filters of the list. A name stands once for each of its values. */
export function csvHref<P extends CsvPath>(path: P, params: CsvParams<P>): string {
  return createFinalURL(path, {
    baseUrl: '',
    params: { path: params.path ?? {}, query: params.query ?? {} },
    pathSerializer: defaultPathSerializer,
    querySerializer,
  });
}
