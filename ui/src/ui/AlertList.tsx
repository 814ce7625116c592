import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Alert } from "../api/types";
import { words } from "../i18n";
import { clock, stamp } from "../lib/format";
import { usePrefs } from "../lib/prefs";
import { keep, type Search } from "../lib/search";
import { alertState, Glyph } from "./Glyph";
import { against, useDuration } from "./text";

interface Props {
  alerts: Alert[];
  now: number;
}

export function AlertList({ alerts, now }: Props) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const age = useDuration();
  return (
    <ul className="alertlist">
      {alerts.map((a) => (
        <li key={a.fingerprint} data-state={a.state}>
          <Glyph state={alertState(a)} size={16} />
          <div className="alertlist-main">
            <Link
              to="/alerts/$fingerprint"
              params={{ fingerprint: a.fingerprint }}
              search={(old: Search) => keep(old)}
            >
              {words(a.title, lang) || a.rule}
            </Link>
            <span className="alertlist-facts">
              {a.model && <span>{a.model}</span>}
              {a.feature && !words(a.title, lang).includes(a.feature) && <span>{a.feature}</span>}
              {a.host && <span>{a.host}</span>}
              {a.segment && <span>{a.segment}</span>}
              {against(a) && <span className="num">{against(a)}</span>}
            </span>
            {a.state === "silenced" && (
              <span className="state-silenced">
                {a.until ? t("alerts.silencedUntil", { time: clock(a.until) }) : t("state.silenced")}
              </span>
            )}
          </div>
          <time className="num" dateTime={new Date(a.since).toISOString()} title={stamp(a.since, true)}>
            {age(now - a.since)}
          </time>
        </li>
      ))}
    </ul>
  );
}
