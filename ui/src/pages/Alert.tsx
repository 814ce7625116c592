import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { alertsQuery } from "../api/queries";
import type { Alert } from "../api/types";
import { words } from "../i18n";
import { stamp } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { keep, type Search } from "../lib/search";
import { Empty, ErrorNote, Skeleton } from "../ui/Empty";
import { alertState, Glyph } from "../ui/Glyph";
import { Linked } from "../ui/Linked";
import { Panel } from "../ui/Panel";
import { against, useDuration } from "../ui/text";

/** One alert, where the links of notifications lead. */
export default function AlertPage() {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const search = useSearch({ strict: false }) as Search;
  const { fingerprint } = useParams({ strict: false }) as { fingerprint: string };
  const q = useQuery(alertsQuery(undefined, search.refresh));
  const a = q.data?.find((x) => x.fingerprint === fingerprint);
  const back = (
    <Link className="link" to="/alerts" search={(old: Search) => keep(old)}>
      {t("alerts.all")}
    </Link>
  );
  return (
    <div className="content">
      <h1 className="sr">{a ? words(a.title, lang) || a.rule : t("page.alerts")}</h1>
      <Panel title={a ? words(a.title, lang) || a.rule : t("alerts.one")} link={back}>
        {q.isPending ? (
          <Skeleton height={160} />
        ) : q.isError && !q.data ? (
          <ErrorNote error={q.error} onRetry={() => void q.refetch()} />
        ) : a ? (
          <Facts alert={a} />
        ) : (
          <Empty text={t("alerts.gone")} />
        )}
      </Panel>
    </div>
  );
}

function Facts({ alert: a }: { alert: Alert }) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const age = useDuration();
  const s = alertState(a);
  const notes = a.annotations ?? {};
  const summary = (lang === "zh" && notes.summary_zh) || notes.summary;
  const end = a.state === "resolved" && a.until ? a.until : Date.now();
  return (
    <>
      {summary && <p className="alert-summary">{summary}</p>}
      <dl className="facts">
        <dt>{t("alerts.col.state")}</dt>
        <dd>
          <Glyph state={s} size={15} silent />{" "}
          {t(a.state === "firing" ? `state.${s}` : `alerts.state.${a.state}`)}
        </dd>
        {against(a) && (
          <>
            <dt>{t("alerts.col.value")}</dt>
            <dd className="num">{against(a)}</dd>
          </>
        )}
        <dt>{t("alerts.col.since")}</dt>
        <dd className="num">
          {stamp(a.since, true)} · {age(end - a.since)}
        </dd>
        {a.model && (
          <>
            <dt>{t("models.model")}</dt>
            <dd className="where">
              <Link
                to="/"
                search={(old: Search) => ({
                  ...keep(old),
                  m: a.model,
                  from: String(a.since - 3_600_000),
                  to: "now",
                })}
              >
                {a.model}
              </Link>
            </dd>
          </>
        )}
        <dt>{t("rules.col.rule")}</dt>
        <dd>
          <code>{a.rule}</code>
        </dd>
        <dt>{t("alerts.labels")}</dt>
        <dd>
          {Object.entries(a.labels ?? {}).map(([k, v]) => (
            <span className="chip" key={k}>
              {k}: {v}
            </span>
          ))}
        </dd>
        {notes.runbook_url && (
          <>
            <dt>{t("alerts.runbook")}</dt>
            <dd className="where">
              <Linked text={notes.runbook_url} />
            </dd>
          </>
        )}
      </dl>
    </>
  );
}
