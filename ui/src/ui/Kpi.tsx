import { useTranslation } from "react-i18next";
import type { Tile } from "../api/types";
import { Spark } from "../charts/Spark";
import { words } from "../i18n";
import { compact, show, whole } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { Change } from "./Change";
import { useReason } from "./Empty";
import { Glyph } from "./Glyph";

/** Headline tile: label and state word, value and change, interval and count, line with limits. */
export function Kpi({ tile }: { tile: Tile }) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const reason = useReason();
  const v = show(tile.value, tile.unit, true);
  const half =
    typeof tile.low === "number" && typeof tile.high === "number" ? (tile.high - tile.low) / 2 : null;
  const facts: string[] = [];
  if (half !== null) facts.push(`±${show(half, tile.unit, true).text}`);
  if (typeof tile.n === "number")
    facts.push(t("kpi.labels", { count: tile.n, n: whole(tile.n), short: compact(tile.n) }));
  const why = tile.value === null || tile.reason ? reason(tile.reason, tile.state) : "";
  return (
    <article className={`kpi kpi-${tile.state}`} data-metric={tile.key}>
      <header>
        <h3>{words(tile.title, lang) || tile.key}</h3>
        <span className={`word state-${tile.state}`}>
          <Glyph state={tile.state} size={13} silent /> {t(`state.${tile.state}`)}
        </span>
      </header>
      <div className="kpi-value">
        <b className={tile.value === null ? "num muted" : "num"}>
          {v.text}
          {v.unit && <small>{v.unit}</small>}
        </b>
        <Change
          change={tile.change}
          unit={tile.unit}
          state={tile.state}
          low={tile.low}
          high={tile.high}
          operator={tile.limits?.operator}
        />
      </div>
      <p className="kpi-facts num">{why || facts.join(" · ") || "\u00a0"}</p>
      <Spark
        className="kpi-spark"
        values={tile.spark ?? []}
        compare={tile.spark_compare}
        limits={tile.limits}
        state={tile.state}
        area
      />
    </article>
  );
}

/** One cell of the vitals strip. */
export function Vital({ tile }: { tile: Tile }) {
  const { lang } = usePrefs();
  const reason = useReason();
  const v = show(tile.value, tile.unit);
  const why = tile.value === null ? reason(tile.reason, tile.state) : undefined;
  return (
    <article className="vital" data-metric={tile.key} title={why}>
      <h3>
        <Glyph state={tile.state} size={11} /> <span>{words(tile.title, lang) || tile.key}</span>
      </h3>
      <div className="vital-row">
        <b className={tile.value === null ? "num muted" : `num state-${tile.state}`}>
          {v.text}
          {v.unit && <small>{v.unit}</small>}
        </b>
        <Change
          change={tile.change}
          unit={tile.unit}
          state={tile.state}
          operator={tile.limits?.operator}
          compact
        />
        <Spark
          className="vital-spark"
          values={tile.spark ?? []}
          compare={tile.spark_compare}
          state={tile.state}
        />
      </div>
      {why && <span className="sr">{why}</span>}
    </article>
  );
}
