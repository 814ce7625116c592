import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { ModelRow } from "../api/types";
import { Strip } from "../charts/Strip";
import { words } from "../i18n";
import { DASH, full, percent, signed } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { keep } from "../lib/search";
import { Glyph } from "./Glyph";
import { useLength } from "./text";

function useTask() {
  const { t, i18n } = useTranslation();
  return (task: string | undefined) => (task ? (i18n.exists(`task.${task}`) ? t(`task.${task}`) : task) : "");
}

export function ModelTable({ models }: { models: ModelRow[] }) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const age = useLength();
  const task = useTask();
  const drifted = (m: ModelRow) =>
    typeof m.features === "number" && m.features > 0 && typeof m.drifted === "number"
      ? `${m.drifted}/${m.features}`
      : DASH;
  return (
    <table className="models">
      <thead>
        <tr>
          <th scope="col" className="mark">
            <span className="sr">{t("models.state")}</span>
          </th>
          <th scope="col">{t("models.model")}</th>
          <th scope="col">{t("models.last24h")}</th>
          <th scope="col" className="r">
            {t("models.quality")}
          </th>
          <th scope="col" className="r">
            {t("models.change")}
          </th>
          <th scope="col" className="r">
            {t("models.p95")}
          </th>
          <th scope="col" className="r">
            {t("models.errors")}
          </th>
          <th scope="col" className="r">
            {t("models.drifted")}
          </th>
          <th scope="col" className="r">
            {t("models.labelDelay")}
          </th>
        </tr>
      </thead>
      <tbody>
        {models.map((m) => (
          <tr key={m.name} data-model={m.name}>
            <td className="mark">
              <Glyph state={m.state} size={16} />
            </td>
            <td className="name">
              <Link to="/" search={(old) => ({ ...keep(old), m: m.name })}>
                {m.name}
              </Link>
              <span>{[m.version, task(m.task)].filter(Boolean).join(" · ")}</span>
            </td>
            <td className="state">{m.strip && m.strip.length > 0 ? <Strip states={m.strip} /> : DASH}</td>
            <td className="r headline">
              {m.headline && <span>{words(m.headline.title, lang)}</span>}{" "}
              <b className="num">{m.headline ? full(m.headline.value, m.headline.unit, true) : DASH}</b>
            </td>
            <td className="r num">{m.headline ? signed(m.change, m.headline.unit) : DASH}</td>
            <td className="r num">{full(m.p95_ms, "ms")}</td>
            <td className="r num">
              {typeof m.error_rate === "number" ? `${percent(m.error_rate)}\u2009%` : DASH}
            </td>
            <td className="r num">{drifted(m)}</td>
            <td className="r num">{typeof m.label_delay_ms === "number" ? age(m.label_delay_ms) : DASH}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
