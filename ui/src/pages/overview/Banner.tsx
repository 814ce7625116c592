import { IconArrowRight } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Overview, Reason } from "../../api/types";
import { coded, words } from "../../i18n";
import { changeSize, clock } from "../../lib/format";
import { usePrefs } from "../../lib/prefs";
import { keep, type Search } from "../../lib/search";
import { HOUR } from "../../lib/time";
import { Glyph } from "../../ui/Glyph";
import { useDuration } from "../../ui/text";

/** Parameters as the sentences want them: names in the language, times as a clock, changes in points. */
function useExplain() {
  const { t, i18n } = useTranslation();
  const { lang } = usePrefs();
  return (r: Reason): string => {
    const p = { ...r.params };
    const metric =
      words((p.title ?? p.name) as string, lang) || (typeof p.metric === "string" ? p.metric : "");
    p.metric = i18n.exists(`metric.${p.metric}`) ? t(`metric.${String(p.metric)}`) : metric;
    for (const k of ["title", "label"])
      if (p[k] && typeof p[k] === "object") p[k] = words(p[k] as never, lang);
    for (const k of ["at", "since", "time"]) if (typeof p[k] === "number") p.at = clock(p[k] as number);
    const change = [p.change, p.fell, p.drop].find((v) => typeof v === "number") as number | undefined;
    if (change !== undefined) {
      const unit = typeof p.unit === "string" ? p.unit : "ratio";
      p.size =
        unit === "ratio" || unit === "percent"
          ? t("change.points", { size: Math.abs(change * 100).toFixed(1) })
          : changeSize(change, unit);
    }
    const code =
      r.code === "metric_fell" && p.size === undefined
        ? "metric_fell_plain"
        : r.code === "deployment" && p.at === undefined
          ? "deployment_plain"
          : r.code;
    return coded(t, "explain", { code, params: p }, "");
  };
}

/** The answer before the evidence: is something wrong, how big is it, what does it coincide with. */
export function Banner({ data }: { data: Overview }) {
  const { t } = useTranslation();
  const age = useDuration();
  const explain = useExplain();
  const { lang } = usePrefs();
  const b = data.banner;
  if (!b) return null;
  const calm = b.state === "ok" || b.state === "silenced";
  if (calm) {
    const parts = [
      typeof b.since === "number"
        ? t("banner.fineFor", { length: age(data.now - b.since) })
        : t("banner.fine"),
      t("banner.checks", { count: b.checks }),
    ];
    if (typeof b.labels_until === "number")
      parts.push(t("banner.labelsUntil", { time: clock(b.labels_until) }));
    return (
      <section className="banner calm" aria-label={t("banner.region")} data-state={b.state}>
        <Glyph state="ok" size={16} silent />
        <p>{parts.join(" · ")}</p>
      </section>
    );
  }
  const critical = t("banner.critical", { count: b.critical });
  const warning = t("banner.warning", { count: b.warning });
  const sentence =
    b.critical > 0 && b.warning > 0
      ? t("banner.both", { critical, warning })
      : b.critical > 0 || b.warning > 0
        ? t("banner.one", { what: b.critical > 0 ? critical : warning })
        : t(`banner.state.${b.state}`);
  const lines = (b.explain ?? []).map(explain).filter(Boolean);
  const since = typeof b.since === "number" ? b.since : null;
  return (
    <section className={`banner banner-${b.state}`} aria-label={t("banner.region")} data-state={b.state}>
      <Glyph state={b.state} size={24} />
      <div className="banner-text">
        <b>{sentence}</b>
        {lines.length > 0 ? (
          <p>{lines.join(lang === "zh" ? "" : " ")}</p>
        ) : (
          since !== null && <p>{t("banner.since", { length: age(data.now - since) })}</p>
        )}
      </div>
      <div className="banner-actions">
        <Link className="btn" to="/alerts" search={(old: Search) => keep(old)}>
          {t("banner.alerts")}
        </Link>
        {since !== null && (
          <Link
            className="btn primary"
            to="/"
            search={(old: Search) => ({ ...old, from: String(since - HOUR), to: "now" })}
          >
            {t("banner.investigate")} <IconArrowRight size={16} aria-hidden="true" />
          </Link>
        )}
      </div>
    </section>
  );
}
