import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { modelsQuery } from "../api/queries";
import type { State } from "../api/types";
import type { Search } from "../lib/search";
import { Empty, ErrorNote, Skeleton } from "../ui/Empty";
import { Glyph } from "../ui/Glyph";
import { ModelTable } from "../ui/ModelTable";
import { Panel } from "../ui/Panel";

const COUNTED: State[] = ["critical", "warning", "no_data", "pending", "silenced", "ok"];

export default function Models() {
  const { t } = useTranslation();
  const search = useSearch({ strict: false }) as Search;
  const q = useQuery(modelsQuery(search.refresh));
  const models = q.data ?? [];
  return (
    <div className="content">
      <h1 className="sr">{t("page.models")}</h1>
      {models.length > 0 && (
        <ul className="counters" aria-label={t("models.byState")}>
          {COUNTED.map((s) => [s, models.filter((m) => m.state === s).length] as const)
            .filter(([, n]) => n > 0)
            .map(([s, n]) => (
              <li key={s}>
                <Glyph state={s} size={14} silent /> {t(`state.${s}`)} <b className="num">{n}</b>
              </li>
            ))}
        </ul>
      )}
      <Panel
        title={t("models.all")}
        subtitle={q.data ? t("models.count", { count: models.length }) : undefined}
        refreshing={q.isFetching && !q.isPending}
      >
        {q.isPending ? (
          <Skeleton height={240} />
        ) : q.isError && !q.data ? (
          <ErrorNote error={q.error} onRetry={() => void q.refetch()} />
        ) : models.length === 0 ? (
          <Empty text={t("models.none")} />
        ) : (
          <ModelTable models={models} />
        )}
      </Panel>
    </div>
  );
}
