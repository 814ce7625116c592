import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { notificationsQuery } from "../api/queries";
import type { State } from "../api/types";
import { stamp } from "../lib/format";
import type { Search } from "../lib/search";
import { Empty, ErrorNote, Skeleton } from "../ui/Empty";
import { Glyph } from "../ui/Glyph";
import { Linked } from "../ui/Linked";
import { Panel } from "../ui/Panel";

function mark(n: { status: string; severity: string }): State {
  if (n.status === "resolved") return "ok";
  return n.severity === "critical" ? "critical" : "warning";
}

export default function Inbox() {
  const { t, i18n } = useTranslation();
  const search = useSearch({ strict: false }) as Search;
  const q = useQuery(notificationsQuery(search.refresh));
  const list = q.data ?? [];
  return (
    <div className="content">
      <h1 className="sr">{t("page.inbox")}</h1>
      <Panel title={t("inbox.title")} subtitle={t("inbox.about")} refreshing={q.isFetching && !q.isPending}>
        {q.isPending ? (
          <Skeleton height={200} />
        ) : q.isError && !q.data ? (
          <ErrorNote error={q.error} onRetry={() => void q.refetch()} />
        ) : list.length === 0 ? (
          <Empty state="ok" text={t("inbox.none")} />
        ) : (
          <ul className="inbox">
            {list.map((n, i) => (
              <li key={`${n.time}-${n.title}-${i}`}>
                <Glyph state={mark(n)} size={18} />
                <div>
                  <b>{n.title}</b>
                  <p className="where">
                    <Linked text={n.text.trim()} />
                  </p>
                  <span className="inbox-facts">
                    {[
                      n.model,
                      n.receiver,
                      i18n.exists(`inbox.status.${n.status}`) ? t(`inbox.status.${n.status}`) : n.status,
                    ]
                      .filter(Boolean)
                      .join(" · ")}
                  </span>
                </div>
                <time className="num" dateTime={new Date(n.time).toISOString()}>
                  {stamp(n.time, true)}
                </time>
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </div>
  );
}
