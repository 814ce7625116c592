import { useTranslation } from "react-i18next";
import { clock } from "../lib/format";

interface Hour {
  time: number;
  warning: number;
  critical: number;
}

const H = 40;

/** Alerts that started in each hour; warnings hatched, critical ones on top of them. */
export function Columns({ hours }: { hours: Hour[] }) {
  const { t } = useTranslation();
  const top = Math.max(4, ...hours.map((h) => h.warning + h.critical));
  const total = hours.reduce((n, h) => n + h.warning + h.critical, 0);
  const k = H / top;
  return (
    <svg
      className="columns"
      viewBox={`0 0 ${Math.max(1, hours.length) * 10} ${H}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={t("alerts.perHourLabel", { count: total })}
    >
      <path
        d={`M0 ${H - 0.5}H${hours.length * 10}`}
        stroke="var(--border)"
        vectorEffect="non-scaling-stroke"
      />
      {hours.map((h, i) => (
        <g key={h.time}>
          <title>
            {t("alerts.hourTip", { time: clock(h.time), critical: h.critical, warning: h.warning })}
          </title>
          <rect x={i * 10} y="0" width="10" height={H} fill="transparent" />
          {h.warning > 0 && (
            <rect
              x={i * 10 + 1}
              y={H - h.warning * k}
              width="8"
              height={h.warning * k}
              fill="url(#hatch-warning)"
            />
          )}
          {h.critical > 0 && (
            <rect
              x={i * 10 + 1}
              y={H - (h.warning + h.critical) * k}
              width="8"
              height={h.critical * k - 0.5}
              fill="var(--critical)"
            />
          )}
        </g>
      ))}
    </svg>
  );
}
