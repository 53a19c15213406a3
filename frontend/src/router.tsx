import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { ApiError } from './api/problem';
import { meQuery, setupQuery } from './api/queries';
import { parseSearch, pick, stringifySearch } from './lib/search';
import { ErrorPage, NotFoundPage, PendingPage } from './pages/ErrorPage';
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
  component: lazyRouteComponent(() => import('./pages/OverviewPage'), 'OverviewPage'),
});

const alertsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/alerts',
  validateSearch: pick('q', 'kind', 'status', 'certificate', 'product', 'sort', 'cert', 'do'),
  component: lazyRouteComponent(() => import('./pages/AlertsPage'), 'AlertsPage'),
});

const clustersRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/clusters',
  validateSearch: pick('q', 'product', 'group', 'status', 'profile', 'do'),
  component: lazyRouteComponent(() => import('./pages/ClustersPage'), 'ClustersPage'),
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
  component: lazyRouteComponent(() => import('./pages/ClusterPage'), 'ClusterPage'),
});

const jobsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/jobs',
  validateSearch: pick('period', 'state'),
  component: lazyRouteComponent(() => import('./pages/JobsPage'), 'JobsPage'),
});

const jobRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/jobs/$jobId',
  validateSearch: pick('task'),
  component: lazyRouteComponent(() => import('./pages/JobPage'), 'JobPage'),
});

const agentsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/agents',
  validateSearch: pick('q', 'status', 'agent', 'do'),
  component: lazyRouteComponent(() => import('./pages/AgentsPage'), 'AgentsPage'),
});

const joinTokensRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/agents/join-tokens',
  validateSearch: pick('do', 'id'),
  component: lazyRouteComponent(() => import('./pages/JoinTokensPage'), 'JoinTokensPage'),
});

const calendarRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/calendar',
  validateSearch: pick('month', 'from', 'until', 'kind', 'cert', 'do'),
  component: lazyRouteComponent(() => import('./pages/CalendarPage'), 'CalendarPage'),
});

const messagesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/messages',
  validateSearch: pick('state', 'recipient', 'channel', 'kind', 'rule', 'message'),
  component: lazyRouteComponent(() => import('./pages/MessagesPage'), 'MessagesPage'),
});

const certificatesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/certificates',
  validateSearch: pick('q', 'type', 'within'),
  component: lazyRouteComponent(() => import('./pages/CertificatesPage'), 'CertificatesPage'),
});

const certificateRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/certificates/$certificateId',
  component: lazyRouteComponent(() => import('./pages/CertificatePage'), 'CertificatePage'),
});

const hygieneRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/trust-hygiene',
  validateSearch: pick('q', 'reason', 'product', 'cluster', 'group', 'store', 'cert'),
  component: lazyRouteComponent(() => import('./pages/HygienePage'), 'HygienePage'),
});

const serverOnlyRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/server-only-certificates',
  validateSearch: pick('q', 'product', 'cluster', 'group', 'purpose'),
  component: lazyRouteComponent(() => import('./pages/ServerOnlyPage'), 'ServerOnlyPage'),
});

const quarantineRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/quarantine',
  validateSearch: pick('q', 'state', 'cluster', 'group', 'store', 'certificate', 'job'),
  component: lazyRouteComponent(() => import('./pages/QuarantinePage'), 'QuarantinePage'),
});

const rootChangesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/root-changes',
  validateSearch: pick('q', 'state'),
  component: lazyRouteComponent(() => import('./pages/RootChangesPage'), 'RootChangesPage'),
});

const rootChangeRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/root-changes/$rootChangeId',
  validateSearch: pick('show', 'state', 'cluster', 'certificate', 'do'),
  component: lazyRouteComponent(() => import('./pages/RootChangePage'), 'RootChangePage'),
});

const csrsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/csrs',
  validateSearch: pick('state'),
  component: lazyRouteComponent(() => import('./pages/CsrsPage'), 'CsrsPage'),
});

const profilesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/profiles',
  validateSearch: pick('q', 'do', 'profile'),
  component: lazyRouteComponent(() => import('./pages/ProfilesPage'), 'ProfilesPage'),
});

const profileRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/profiles/$profileId',
  validateSearch: pick('product', 'version', 'do'),
  component: lazyRouteComponent(() => import('./pages/ProfilePage'), 'ProfilePage'),
});

const complianceRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/compliance',
  validateSearch: pick('q', 'product', 'profile', 'compliant', 'cluster'),
  component: lazyRouteComponent(() => import('./pages/CompliancePage'), 'CompliancePage'),
});

const peopleRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/people/$tab',
  validateSearch: pick('do', 'id'),
  component: lazyRouteComponent(() => import('./pages/PeoplePage'), 'PeoplePage'),
});

const auditRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/audit',
  validateSearch: pick('action', 'kind', 'object', 'actor', 'from', 'until', 'entry'),
  component: lazyRouteComponent(() => import('./pages/AuditPage'), 'AuditPage'),
});

const settingsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/settings/$tab',
  validateSearch: pick('do', 'id'),
  component: lazyRouteComponent(() => import('./pages/SettingsPage'), 'SettingsPage'),
});

const ruleRoute = createRoute({
  getParentRoute: () => appRoute,
  path: '/settings/rules/$ruleId',
  component: lazyRouteComponent(() => import('./pages/RulePage'), 'RulePage'),
});

const setupRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/setup',
  beforeLoad: async ({ context }) => {
    const setup = await context.client.fetchQuery(setupQuery);
    if (!setup.needed) throw redirect({ to: '/' });
  },
  component: lazyRouteComponent(() => import('./pages/SetupPage'), 'SetupPage'),
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
    joinTokensRoute,
    calendarRoute,
    messagesRoute,
    certificatesRoute,
    certificateRoute,
    hygieneRoute,
    serverOnlyRoute,
    quarantineRoute,
    rootChangesRoute,
    rootChangeRoute,
    csrsRoute,
    profilesRoute,
    profileRoute,
    complianceRoute,
    peopleRoute,
    auditRoute,
    settingsRoute,
    ruleRoute,
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
