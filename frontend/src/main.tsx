import './styles/index';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { meQuery } from './api/queries';
import { makeQueryClient } from './api/query-client';
import { startI18n } from './i18n';
import { makeRouter } from './router';
import { resolver, theme } from './theme';

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
setNonce(nonce);

const client = makeQueryClient(() => {
  // Forget who was signed in: the router then leads to the sign-in, with the way back.
  client.removeQueries({ queryKey: meQuery.queryKey });
  void router.invalidate();
});
const router = makeRouter(client);

// After an upgrade an open page may ask for a file that is gone: load the new page, once.
window.addEventListener('vite:preloadError', () => {
  const mark = 'certyard-reloaded';
  if (sessionStorage.getItem(mark) !== null) return;
  sessionStorage.setItem(mark, '1');
  window.location.reload();
});

// A file that misses its drop zone must not replace the page.
for (const kind of ['dragover', 'drop']) {
  document.addEventListener(kind, (event) => event.preventDefault());
}

await startI18n();

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={resolver}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <Notifications position="bottom-center" />
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
