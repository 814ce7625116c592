import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { block } from "./api/client";
import { parseSearch, type Search, stringifySearch } from "./lib/search";
import { NotFound } from "./pages/NotFound";
import { Overview } from "./pages/Overview";
import { Shell } from "./Shell";

const root = createRootRoute({
  validateSearch: (s: Record<string, unknown>): Search => s as Search,
  component: Shell,
  notFoundComponent: NotFound,
});

const overview = createRoute({ getParentRoute: () => root, path: "/", component: Overview });
const models = createRoute({
  getParentRoute: () => root,
  path: "/models",
  component: lazyRouteComponent(() => import("./pages/Models")),
});
const model = createRoute({
  getParentRoute: () => root,
  path: "/models/$model",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/", search: (old: Search) => ({ ...old, m: params.model }), replace: true });
  },
});
const alerts = createRoute({
  getParentRoute: () => root,
  path: "/alerts",
  component: lazyRouteComponent(() => import("./pages/Alerts")),
});
const alert = createRoute({
  getParentRoute: () => root,
  path: "/alerts/$fingerprint",
  component: lazyRouteComponent(() => import("./pages/Alert")),
});
const inbox = createRoute({
  getParentRoute: () => root,
  path: "/inbox",
  component: lazyRouteComponent(() => import("./pages/Inbox")),
});
const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  component: lazyRouteComponent(() => import("./pages/Login")),
});

const routeTree = root.addChildren([overview, models, model, alerts, alert, inbox, login]);

export function createAppRouter() {
  return createRouter({
    routeTree,
    basepath: block.basePath || "/",
    parseSearch,
    stringifySearch,
    defaultPreload: "intent",
    scrollRestoration: true,
  });
}

/** Leads to the sign-in page, which leads back to the same address. */
export function toLogin(router: ReturnType<typeof createAppRouter>): void {
  const here = router.state.location;
  if (here.pathname !== "/login")
    void router.navigate({ to: "/login", search: { next: here.pathname + here.searchStr }, replace: true });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
