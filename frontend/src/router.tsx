import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, createRouter, redirect } from '@tanstack/react-router';
import { ApiError } from './api/problem';
import { meQuery, setupQuery } from './api/queries';
import { parseSearch, pick, stringifySearch } from './lib/search';
import { AgentsPage } from './pages/AgentsPage';
import { AlertsPage } from './pages/AlertsPage';
import { ClusterPage } from './pages/ClusterPage';
import { ClustersPage } from './pages/ClustersPage';
import { ErrorPage, NotFoundPage, PendingPage } from './pages/ErrorPage';
import { JobPage } from './pages/JobPage';
import { JobsPage } from './pages/JobsPage';
import { SetupPage } from './pages/SetupPage';
import { SignInPage } from './pages/SignInPage';
import { Shell } from './shell/Shell';

const rootRoute = createRootRouteWithContext<{ client: QueryClient }>()({});

/** Everything behind the sign-in. `plan` is the preview that lies over the page. */
const appRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'app',
  component: Shell,
  validateSearch: pick('plan'),
  beforeLoad: async ({ context, location }) => {
    try {
      const me = await context.client.ensureQueryData(meQuery);
      return { me };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      const setup = await context.client.fetchQuery(setupQuery);
      if (setup.needed) throw redirect({ to: '/setup' });
      throw redirect({ to: '/sign-in', search: { to: location.href } });
    }
  },
});

const homeRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/clusters' });
  },
});

const alertsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/alerts',
  validateSearch: pick('q', 'kind', 'status', 'certificate', 'product', 'sort', 'cert', 'do'),
  component: AlertsPage,
});

const clustersRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/clusters',
  validateSearch: pick('q', 'product', 'do'),
  component: ClustersPage,
});

const clusterRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/clusters/$clusterId',
  beforeLoad: ({ params, location }) => {
    if (location.pathname.replace(/\/$/, '').endsWith(params.clusterId)) {
      throw redirect({ to: '/clusters/$clusterId/$tab', params: { ...params, tab: 'identity' } });
    }
  },
});

const clusterTabRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/clusters/$clusterId/$tab',
  validateSearch: pick('q', 'status', 'sort', 'cert', 'do', 'period', 'state'),
  component: ClusterPage,
});

const jobsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/jobs',
  validateSearch: pick('period', 'state'),
  component: JobsPage,
});

const jobRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/jobs/$jobId',
  validateSearch: pick('task'),
  component: JobPage,
});

const agentsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/agents',
  validateSearch: pick('do'),
  component: AgentsPage,
});

const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/setup',
  beforeLoad: async ({ context }) => {
    const setup = await context.client.fetchQuery(setupQuery);
    if (!setup.needed) throw redirect({ to: '/clusters' });
  },
  component: SetupPage,
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: pick('to'),
  component: SignInPage,
});

const routeTree = rootRoute.addChildren([
  setupRoute,
  signInRoute,
  appRoute.addChildren([
    homeRoute,
    alertsRoute,
    clustersRoute,
    clusterRoute,
    clusterTabRoute,
    jobsRoute,
    jobRoute,
    agentsRoute,
  ]),
]);

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree,
    context: { client },
    parseSearch,
    stringifySearch,
    defaultErrorComponent: ErrorPage,
    defaultNotFoundComponent: NotFoundPage,
    defaultPendingComponent: PendingPage,
    defaultPreload: false,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
