import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { alertsQuery } from "../api/queries";
import type { Alert } from "../api/types";
import { words } from "../i18n";
import { DASH, stamp } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { keep, type Search } from "../lib/search";
import { Empty, ErrorNote, Skeleton } from "../ui/Empty";
import { alertState, Glyph } from "../ui/Glyph";
import { Panel } from "../ui/Panel";
import { against, useDuration } from "../ui/text";
import { Rules } from "./alerts/Rules";

const TABS = ["current", "rules"] as const;
const STATES = ["firing", "pending", "resolved"] as const;

export default function Alerts() {
  const { t } = useTranslation();
  const search = useSearch({ strict: false }) as Search;
  const tab = search.tab === "rules" ? "rules" : "current";
  return (
    <div className="content">
      <h1 className="sr">{t("page.alerts")}</h1>
      <nav className="subtabs" aria-label={t("alerts.sections")}>
        {TABS.map((k) => (
          <Link
            key={k}
            to="/alerts"
            search={(old: Search) => ({ ...keep(old), tab: k === "current" ? undefined : k })}
            className={k === tab ? "on" : ""}
            aria-current={k === tab ? "page" : undefined}
          >
            {t(`alerts.tab.${k}`)}
          </Link>
        ))}
      </nav>
      {tab === "rules" ? <Rules /> : <Current />}
    </div>
  );
}

function Current() {
  const { t } = useTranslation();
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const state = (STATES as readonly string[]).includes(search.state ?? "") ? search.state! : "firing";
  const q = useQuery(alertsQuery(state, search.refresh));
  const alerts = q.data ?? [];
  const filter = (
    <div className="group" role="group" aria-label={t("alerts.filter")}>
      {STATES.map((s) => (
        <button
          key={s}
          type="button"
          className="btn small"
          aria-pressed={s === state}
          onClick={() =>
            void navigate({
              to: ".",
              search: (old: Search) => ({ ...old, state: s === "firing" ? undefined : s }),
            })
          }
        >
          {t(`alerts.state.${s}`)}
        </button>
      ))}
    </div>
  );
  return (
    <Panel
      title={t("alerts.current")}
      subtitle={q.data ? t("alerts.count", { count: alerts.length }) : undefined}
      link={filter}
      refreshing={q.isFetching && !q.isPending}
    >
      {q.isPending ? (
        <Skeleton height={200} />
      ) : q.isError && !q.data ? (
        <ErrorNote error={q.error} onRetry={() => void q.refetch()} />
      ) : alerts.length === 0 ? (
        <Empty state="ok" text={t(`alerts.none.${state}`)} />
      ) : (
        <AlertTable alerts={alerts} />
      )}
    </Panel>
  );
}

function AlertTable({ alerts }: { alerts: Alert[] }) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const age = useDuration();
  const now = Date.now();
  return (
    <div className="scroll-x" tabIndex={0} role="group" aria-label={t("alerts.current")}>
      <table className="list cards">
        <thead>
          <tr>
            <th scope="col">{t("alerts.col.state")}</th>
            <th scope="col">{t("alerts.col.alert")}</th>
            <th scope="col">{t("alerts.col.where")}</th>
            <th scope="col" className="r">
              {t("alerts.col.value")}
            </th>
            <th scope="col">{t("alerts.col.since")}</th>
            <th scope="col" className="r">
              {t("alerts.col.age")}
            </th>
          </tr>
        </thead>
        <tbody>
          {alerts.map((a) => {
            const s = alertState(a);
            const where: [string, string][] = [];
            if (a.host) where.push(["host", a.host]);
            if (a.version) where.push(["version", a.version]);
            if (a.segment) where.push(["segment", a.segment]);
            if (a.feature) where.push(["feature", a.feature]);
            return (
              <tr key={a.fingerprint} data-state={a.state}>
                <td className="nowrap">
                  <Glyph state={s} size={15} silent />{" "}
                  <span className={`state-${s}`}>
                    {t(a.state === "firing" ? `state.${s}` : `alerts.state.${a.state}`)}
                  </span>
                </td>
                <td className="main">
                  <Link
                    to="/alerts/$fingerprint"
                    params={{ fingerprint: a.fingerprint }}
                    search={(old: Search) => keep(old)}
                  >
                    {words(a.title, lang) || a.rule}
                  </Link>
                </td>
                <td className="where">
                  {a.model && (
                    <Link to="/" search={(old: Search) => ({ ...keep(old), m: a.model })}>
                      {a.model}
                    </Link>
                  )}
                  {where.map(([k, v]) => (
                    <span key={k} className="chip">
                      {t(`alerts.where.${k}`)}: {v}
                    </span>
                  ))}
                </td>
                <td className="r num nowrap">{against(a) || DASH}</td>
                <td className="num nowrap minor">{stamp(a.since)}</td>
                <td className="r num nowrap age">
                  {age((a.state === "resolved" && a.until ? a.until : now) - a.since)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
