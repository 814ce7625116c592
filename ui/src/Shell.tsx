import { Menu } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import {
  IconBell,
  IconCube,
  IconDots,
  IconInbox,
  IconLanguage,
  IconLayoutDashboard,
  IconMoon,
  IconSun,
} from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, block, signOut } from "./api/client";
import { alertsQuery, bootstrapQuery, fixedRange, interval, overviewQuery } from "./api/queries";
import criticalIcon from "./icons/critical.svg";
import markIcon from "./icons/mark.svg";
import okIcon from "./icons/ok.svg";
import warningIcon from "./icons/warning.svg";
import { lastModel, usePrefs } from "./lib/prefs";
import { COMPARES, DEFAULTS, keep, parseSearch, type Search } from "./lib/search";
import { resolve, zoomOut } from "./lib/time";
import { useLive } from "./live";
import { ErrorNote } from "./ui/Empty";
import { Patterns } from "./ui/Glyph";
import { ModelPicker } from "./ui/ModelPicker";
import { ComparePicker, RefreshControl } from "./ui/Pickers";
import { TimePicker } from "./ui/TimePicker";
import { useDuration } from "./ui/text";
import { ViewContext } from "./view";

const openedWith = parseSearch(typeof location === "undefined" ? "" : location.search).bad ?? [];

const ICONS: Record<string, string> = { ok: okIcon, warning: warningIcon, critical: criticalIcon };

type Page = "/" | "/alerts" | "/models" | "/inbox";
const PAGES: { to: Page; key: string; icon: typeof IconBell }[] = [
  { to: "/", key: "overview", icon: IconLayoutDashboard },
  { to: "/alerts", key: "alerts", icon: IconBell },
  { to: "/inbox", key: "inbox", icon: IconInbox },
  { to: "/models", key: "models", icon: IconCube },
];

export function Shell() {
  const { t } = useTranslation();
  const search = useSearch({ strict: false }) as Search;
  const path = useRouterState({ select: (s) => s.location.pathname });
  const navigate = useNavigate();
  const client = useQueryClient();
  const boot = useQuery(bootstrapQuery);
  // The address changes before the page does; what is drawn is what counts.
  const onLogin = useRouterState({ select: (s) => s.matches.at(-1)?.routeId === "/login" });
  const out = boot.data?.auth === "token" && !boot.data.authenticated;
  // An open server needs no answer first: the page already says that it is one.
  const inside = !onLogin && (boot.data ? !out : block.auth === "open");
  const { live, newer } = useLive(inside, boot.data?.build);

  useEffect(() => {
    if (out && path !== "/login")
      void navigate({ to: "/login", search: { next: path + location.search }, replace: true });
  }, [out, path, navigate]);

  const home = path === "/";
  const fixed = fixedRange(search);
  const [remembered, setRemembered] = useState(lastModel.get());
  const model = search.m ?? (remembered || undefined);
  const overview = useQuery({
    ...overviewQuery(search, model),
    enabled: inside && home,
    refetchInterval: (q) => (q.state.data?.first_run ? 2_000 : interval(search.refresh, fixed && live)),
  });
  const gone = overview.error instanceof ApiError && overview.error.status === 404;
  useEffect(() => {
    // The remembered model was deleted; the server chooses then.
    if (!gone || search.m || !remembered) return;
    lastModel.clear();
    setRemembered(undefined);
  }, [gone, search.m, remembered]);
  const shown = overview.data?.model?.name;
  useEffect(() => {
    if (search.m && shown === search.m) lastModel.set(shown);
  }, [search.m, shown]);

  const firing = useQuery({ ...alertsQuery("firing", search.refresh), enabled: inside }).data ?? [];
  const count = firing.filter((a) => a.state === "firing").length;
  const worst = count === 0 ? "ok" : firing.some((a) => a.severity === "critical") ? "critical" : "warning";
  useTitle(inside, count, worst, home ? shown : undefined, path);

  const range = { from: search.from ?? DEFAULTS.from, to: search.to ?? DEFAULTS.to };
  const set = (change: Partial<Search>, replace = false) =>
    void navigate({ to: ".", search: (old: Search) => ({ ...old, bad: undefined, ...change }), replace });
  const view = useMemo(
    () => ({
      overview,
      zoom: (from: string, to: string) =>
        void navigate({ to: "/", search: (old: Search) => ({ ...old, from, to }) }),
      zoomOut: () => {
        const now = Date.now();
        const span = resolve({ from: search.from ?? DEFAULTS.from, to: search.to ?? DEFAULTS.to }, now);
        if (span) void navigate({ to: "/", search: (old: Search) => ({ ...old, ...zoomOut(span, now) }) });
      },
    }),
    [overview, navigate, search.from, search.to],
  );

  if (onLogin)
    return (
      <>
        <Patterns />
        <main className="bare" id="main">
          <Outlet />
        </main>
      </>
    );
  const pages = PAGES.filter((p) => p.to !== "/inbox" || boot.data?.features.inbox);
  const refreshAll = () => void client.invalidateQueries();
  const first = overview.data?.first_run === true;
  return (
    <ViewContext value={view}>
      <Patterns />
      <a className="skip" href="#main">
        {t("skip")}
      </a>
      <div className="shell">
        <Rail pages={pages} count={count} signedIn={boot.data?.auth === "token" && boot.data.authenticated} />
        <div className="page">
          <header className="bar">
            {home && !first ? (
              <ModelPicker current={overview.data?.model} onPick={(m) => set({ m })} />
            ) : (
              <span className="bar-title">{t(`page.${pageKey(path)}`)}</span>
            )}
            {boot.data?.demo && <span className="badge">{t("demo.badge")}</span>}
            <span className="grow" />
            {home && !first && (
              <ComparePicker value={search.cmp ?? DEFAULTS.cmp} onChange={(cmp) => set({ cmp })} />
            )}
            {home && !first && <TimePicker range={range} onChange={(r) => set(r)} />}
            <RefreshControl
              value={search.refresh ?? DEFAULTS.refresh}
              fixed={home && fixed}
              busy={home && overview.isFetching}
              live={live}
              onChange={(refresh) => set({ refresh }, true)}
              onRefresh={refreshAll}
            />
          </header>
          <main id="main" tabIndex={-1}>
            {boot.data?.demo && <p className="strip-note demo-note">{t("demo.note")}</p>}
            <Notices names={search.bad ?? openedWith} newer={newer} />
            {inside || (home && boot.isPending) ? (
              <Outlet />
            ) : boot.isError ? (
              <div className="content">
                <section className="panel span-12">
                  <ErrorNote error={boot.error} onRetry={() => void boot.refetch()} />
                </section>
              </div>
            ) : null}
          </main>
          {home && overview.data && !first && <Footer to={overview.data.to} />}
        </div>
        <Tabs pages={pages} count={count} search={search} home={home && !first} set={set} />
      </div>
    </ViewContext>
  );
}

function pageKey(path: string): string {
  return (
    PAGES.find((p) => p.to === path || (p.to === "/alerts" && path.startsWith("/alerts/")))?.key ?? "none"
  );
}

function Footer({ to }: { to: number }) {
  const { t } = useTranslation();
  const age = useDuration();
  const late = Date.now() - to;
  return late > 300_000 ? <p className="foot">{t("refresh.age", { age: age(late) })}</p> : null;
}

/** One line for what the address asked and nobody understood, and for a newer server. */
function Notices({ names, newer }: { names: string[]; newer: boolean }) {
  const { t } = useTranslation();
  const [closed, setClosed] = useState(false);
  return (
    <div aria-live="polite">
      {names.length > 0 && !closed && (
        <p className="strip-note">
          {t("notice.unknown", { names: names.join(", ") })}{" "}
          <button type="button" className="link" onClick={() => setClosed(true)}>
            {t("notice.close")}
          </button>
        </p>
      )}
      {newer && (
        <p className="strip-note">
          {t("notice.build")}{" "}
          <button type="button" className="link" onClick={() => location.reload()}>
            {t("notice.reload")}
          </button>
        </p>
      )}
    </div>
  );
}

function Badge({ count }: { count: number }) {
  const { t } = useTranslation();
  if (count === 0) return null;
  return (
    <span className="count">
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span className="sr">{t("nav.firing", { count })}</span>
    </span>
  );
}

function NavLinks({ pages, count }: { pages: typeof PAGES; count: number }) {
  const { t } = useTranslation();
  return pages.map(({ to, key, icon: Icon }) => (
    <Link
      key={to}
      to={to}
      search={(old: Search) => keep(old)}
      activeOptions={{ exact: true, includeSearch: false }}
      className="nav-link"
      activeProps={{ "aria-current": "page" }}
      title={t(`page.${key}`)}
    >
      <Icon size={20} stroke={1.7} aria-hidden="true" />
      <span className="nav-text">{t(`page.${key}`)}</span>
      {key === "alerts" && <Badge count={count} />}
    </Link>
  ));
}

function Rail({ pages, count, signedIn }: { pages: typeof PAGES; count: number; signedIn: boolean }) {
  const { t } = useTranslation();
  return (
    <nav className="rail" aria-label={t("nav.main")}>
      <div className="product">
        <img src={markIcon} alt="" width="24" height="24" />
        <span className="nav-text">{t("app.name")}</span>
      </div>
      <div className="rail-links">
        <NavLinks pages={pages} count={count} />
      </div>
      <div className="rail-foot">
        <ThemeButton />
        <LangButton />
        {signedIn && <SignOut />}
      </div>
    </nav>
  );
}

function SignOut() {
  const { t } = useTranslation();
  const out = () => void signOut().finally(() => location.reload());
  return (
    <button type="button" className="link" onClick={out}>
      {t("login.out")}
    </button>
  );
}

function ThemeButton() {
  const { t } = useTranslation();
  const { scheme } = usePrefs();
  const choose = useChoices();
  const Icon = scheme === "dark" ? IconSun : IconMoon;
  const text = t(scheme === "dark" ? "theme.toLight" : "theme.toDark");
  return (
    <button type="button" className="icon-btn" aria-label={text} title={text} onClick={choose.theme}>
      <Icon size={18} stroke={1.7} aria-hidden="true" />
    </button>
  );
}

function LangButton() {
  const { t } = useTranslation();
  const choose = useChoices();
  return (
    <button
      type="button"
      className="icon-btn"
      aria-label={t("language.switch")}
      title={t("language.switch")}
      onClick={choose.lang}
    >
      <IconLanguage size={18} stroke={1.7} aria-hidden="true" />
    </button>
  );
}

/** A choice made by hand also ends the override that came with the address. */
function useChoices() {
  const prefs = usePrefs();
  const navigate = useNavigate();
  const drop = (key: "theme" | "lang") =>
    void navigate({ to: ".", search: (old: Search) => ({ ...old, [key]: undefined }), replace: true });
  return {
    theme: () => {
      prefs.setTheme(prefs.scheme === "dark" ? "light" : "dark");
      drop("theme");
    },
    lang: () => {
      prefs.setLang(prefs.lang === "zh" ? "en" : "zh");
      drop("lang");
    },
  };
}

interface TabsProps {
  pages: typeof PAGES;
  count: number;
  search: Search;
  home: boolean;
  set(change: Partial<Search>): void;
}

/** The phone's navigation; what has no room in the bar is behind "More". */
function Tabs({ pages, count, search, home, set }: TabsProps) {
  const { t } = useTranslation();
  const { scheme } = usePrefs();
  const choose = useChoices();
  const phone = useMediaQuery("(max-width: 640px)", false, { getInitialValueInEffect: false });
  if (!phone) return null;
  const items: ReactNode[] = home
    ? COMPARES.map((c) => (
        <Menu.Item
          key={c}
          aria-current={(search.cmp ?? DEFAULTS.cmp) === c ? "true" : undefined}
          onClick={() => set({ cmp: c })}
        >
          {t("compare.with", { what: t(`compare.${c}`) })}
        </Menu.Item>
      ))
    : [];
  return (
    <nav className="tabs" aria-label={t("nav.main")}>
      <NavLinks pages={pages} count={count} />
      <Menu position="top-end" shadow="md" width={240}>
        <Menu.Target>
          <button type="button" className="nav-link">
            <IconDots size={20} stroke={1.7} aria-hidden="true" />
            <span className="nav-text">{t("nav.more")}</span>
          </button>
        </Menu.Target>
        <Menu.Dropdown aria-label={t("nav.more")}>
          {items}
          <Menu.Item onClick={choose.theme}>
            {t(scheme === "dark" ? "theme.toLight" : "theme.toDark")}
          </Menu.Item>
          <Menu.Item onClick={choose.lang}>{t("language.switch")}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </nav>
  );
}

/** Title and favicon tell the worst state even where the tab is in the background. */
function useTitle(known: boolean, count: number, worst: string, model: string | undefined, path: string) {
  const { t } = useTranslation();
  const page = t(`page.${pageKey(path)}`);
  useEffect(() => {
    const where = model ? `${model} · ${page}` : `${page} · ${t("app.name")}`;
    document.title = known && count > 0 ? `● ${count} | ${where}` : where;
    const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (icon) icon.href = known ? ICONS[worst]! : markIcon;
  }, [known, count, worst, model, page, t]);
}
