import { useSyncExternalStore } from 'react';

/** The version of the server that these pages were built for. */
const BUILT_FOR = __CERTYARD_VERSION__;

let newer: string | null = null;
const listeners = new Set<() => void>();

/** Hears the version that an answer names. Once it was another one it stays so: these pages are old until they are loaded anew. */
export function noteServerVersion(version: string | null): void {
  if (version === null || version === BUILT_FOR || version === newer) return;
  newer = version;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The version that the server has now, where it is not the one of these pages. */
export function useNewVersion(): string | null {
  return useSyncExternalStore(subscribe, () => newer);
}
