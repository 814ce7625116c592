import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { alertsQuery, rulesQuery } from "../api/queries";
import type { Alert, Rule, State, Unit } from "../api/types";
import { words } from "../i18n";
import { DASH, full, stamp } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { keep, type Search } from "../lib/search";
import { Empty, ErrorNote, Skeleton } from "../ui/Empty";
import { alertState, Glyph } from "../ui/Glyph";
import { Panel } from "../ui/Panel";
import { against, sign, useDuration } from "../ui/text";

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
                  <b>{words(a.title, lang) || a.rule}</b>
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
                <td className="r num nowrap">
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

const RULE_STATES: Record<string, State> = { firing: "critical", inactive: "ok" };

function Rules() {
  const { t, i18n } = useTranslation();
  const { lang } = usePrefs();
  const q = useQuery(rulesQuery);
  const rules = q.data ?? [];
  const limit = (r: Rule, v: number | null) =>
    v === null || v === undefined ? DASH : `${sign(r.operator)} ${full(v, (r.unit ?? "") as Unit, true)}`;
  const state = (r: Rule): State =>
    r.enabled ? ((RULE_STATES[r.state ?? ""] ?? r.state ?? "ok") as State) : "no_data";
  const stateText = (r: Rule) => {
    if (!r.enabled) return t("rules.off");
    const key = `rules.state.${r.state ?? "ok"}`;
    return i18n.exists(key) ? t(key) : (r.state ?? "");
  };
  return (
    <Panel
      title={t("rules.title")}
      subtitle={q.data ? t("rules.count", { count: rules.length }) : undefined}
      refreshing={q.isFetching && !q.isPending}
    >
      {q.isPending ? (
        <Skeleton height={200} />
      ) : q.isError && !q.data ? (
        <ErrorNote error={q.error} onRetry={() => void q.refetch()} />
      ) : rules.length === 0 ? (
        <Empty text={t("rules.none")} />
      ) : (
        <div className="scroll-x" tabIndex={0} role="group" aria-label={t("rules.title")}>
          <table className="list">
            <thead>
              <tr>
                <th scope="col">{t("alerts.col.state")}</th>
                <th scope="col">{t("rules.col.rule")}</th>
                <th scope="col">{t("rules.col.metric")}</th>
                <th scope="col">{t("rules.col.model")}</th>
                <th scope="col" className="r">
                  {t("state.warning")}
                </th>
                <th scope="col" className="r">
                  {t("state.critical")}
                </th>
                <th scope="col" className="r">
                  {t("rules.col.duration")}
                </th>
                <th scope="col" className="r">
                  {t("rules.col.minSamples")}
                </th>
                <th scope="col">{t("rules.col.origin")}</th>
              </tr>
            </thead>
            <tbody>
              {rules.map((r) => (
                <tr key={`${r.origin}/${r.name}`} className={r.enabled ? "" : "off"}>
                  <td className="nowrap">
                    <Glyph state={state(r)} size={14} silent /> {stateText(r)}
                  </td>
                  <td className="main">
                    <b>{words(r.title, lang) || r.name}</b>
                  </td>
                  <td>
                    <code>{r.metric || r.kind}</code>
                  </td>
                  <td>{r.model && r.model !== "*" ? r.model : t("rules.every")}</td>
                  <td className="r num nowrap">{limit(r, r.warning)}</td>
                  <td className="r num nowrap">{limit(r, r.critical)}</td>
                  <td className="r num nowrap">{r.duration && r.duration !== "0s" ? r.duration : DASH}</td>
                  <td className="r num">{r.min_samples || DASH}</td>
                  <td>
                    {i18n.exists(`rules.origin.${r.origin}`)
                      ? t(`rules.origin.${r.origin}`)
                      : (r.origin ?? "")}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
