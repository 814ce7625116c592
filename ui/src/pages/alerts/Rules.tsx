import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { bootstrapQuery, rulesQuery, saveRule } from "../../api/queries";
import type { Rule, State, Unit } from "../../api/types";
import { words } from "../../i18n";
import { DASH, full } from "../../lib/format";
import { usePrefs } from "../../lib/prefs";
import { Empty, ErrorNote, Skeleton, useErrorText } from "../../ui/Empty";
import { Glyph } from "../../ui/Glyph";
import { Panel } from "../../ui/Panel";
import { sign } from "../../ui/text";

const RULE_STATES: Record<string, State> = { firing: "critical", inactive: "ok" };

/** Every rule with its limits; those who may edit can switch one off and on. */
export function Rules() {
  const { t, i18n } = useTranslation();
  const { lang } = usePrefs();
  const q = useQuery(rulesQuery);
  const rules = q.data ?? [];
  const client = useQueryClient();
  const role = useQuery(bootstrapQuery).data?.role;
  const mayEdit = role === "edit" || role === "admin";
  const errorText = useErrorText();
  const toggle = useMutation({
    mutationFn: (r: Rule) => saveRule({ ...r, enabled: !r.enabled }),
    onSettled: () => client.invalidateQueries({ queryKey: ["rules"] }),
  });
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
        <>
          {toggle.isError && (
            <p className="state-critical" role="alert">
              {errorText(toggle.error)}
            </p>
          )}
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
                  {mayEdit && (
                    <th scope="col">
                      <span className="sr">{t("rules.col.change")}</span>
                    </th>
                  )}
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
                    {mayEdit && (
                      <td className="r nowrap">
                        <button
                          type="button"
                          className="btn small"
                          disabled={toggle.isPending}
                          aria-label={t(r.enabled ? "rules.turnOff" : "rules.turnOn", {
                            rule: words(r.title, lang) || r.name,
                          })}
                          onClick={() => toggle.mutate(r)}
                        >
                          {t(r.enabled ? "rules.switchOff" : "rules.switchOn")}
                        </button>
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Panel>
  );
}
