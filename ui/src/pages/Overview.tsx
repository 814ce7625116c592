import { useMediaQuery } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { type CSSProperties, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Overview as Answer, ChartSeries, ModelRow } from "../api/types";
import { BarRows } from "../charts/BarRows";
import { Columns } from "../charts/Columns";
import { Heat } from "../charts/Heat";
import type { YRange } from "../charts/lines";
import type { LimitLine } from "../charts/paint";
import { extent } from "../charts/scale";
import { common, full } from "../lib/format";
import { keep, type Search } from "../lib/search";
import { AlertList } from "../ui/AlertList";
import { Empty, ErrorNote, Skeleton } from "../ui/Empty";
import { Kpi, Vital } from "../ui/Kpi";
import { ModelTable } from "../ui/ModelTable";
import { Boundary, Panel } from "../ui/Panel";
import { useLength } from "../ui/text";
import { useView } from "../view";
import { Banner } from "./overview/Banner";
import { ChartPanel } from "./overview/ChartPanel";
import { FirstRun } from "./overview/FirstRun";

export function Overview() {
  const { t } = useTranslation();
  const { overview } = useView();
  const data = overview.data;
  if (!data)
    return (
      <div className="content">
        <h1 className="sr">{t("page.overview")}</h1>
        {overview.isError ? (
          <section className="panel span-12">
            <ErrorNote error={overview.error} onRetry={() => void overview.refetch()} />
          </section>
        ) : (
          <Waiting />
        )}
      </div>
    );
  if (data.first_run) return <FirstRun />;
  return (
    <div className={`content ${overview.isPlaceholderData ? "older" : ""}`}>
      <h1 className="sr">{t("overview.title", { model: data.model?.name ?? "" })}</h1>
      {overview.isError && (
        <p className="strip-note" role="status">
          {t("error.stale")}
        </p>
      )}
      <Boundary>
        <Banner data={data} />
      </Boundary>
      <Tiles data={data} />
      <QualityAndAlerts data={data} />
      <DataRow data={data} />
      <System data={data} />
      <Models models={data.models ?? []} />
    </div>
  );
}

function Waiting() {
  return (
    <>
      {[0, 1, 2, 3, 4].map((i) => (
        <div key={i} className="kpi-ghost">
          <Skeleton height={132} />
        </div>
      ))}
      <div className="span-12">
        <Skeleton height={62} />
      </div>
      <div className="span-8">
        <Skeleton height={386} />
      </div>
      <div className="span-4">
        <Skeleton height={386} />
      </div>
    </>
  );
}

function Tiles({ data }: { data: Answer }) {
  const { t } = useTranslation();
  const quality = data.quality ?? [];
  const vitals = data.vitals ?? [];
  return (
    <>
      {quality.length > 0 && (
        <section className={`tiles tiles-${Math.min(6, quality.length)}`} aria-label={t("overview.quality")}>
          <h2 className="sr">{t("overview.quality")}</h2>
          {quality.map((tile) => (
            <Boundary key={tile.key}>
              <Kpi tile={tile} />
            </Boundary>
          ))}
        </section>
      )}
      {vitals.length > 0 && (
        <section
          className={`vitals panel ${vitals.length % 2 === 0 ? "even" : ""}`}
          style={{ "--n": vitals.length } as CSSProperties}
          aria-label={t("overview.vitals")}
        >
          <h2 className="sr">{t("overview.vitals")}</h2>
          {vitals.map((tile) => (
            <Boundary key={tile.key}>
              <Vital tile={tile} />
            </Boundary>
          ))}
        </section>
      )}
    </>
  );
}

/** Limits of the headline metric; those of the other lines stand on their tiles. */
function limitLines(data: Answer, text: (level: string, value: string) => string): LimitLine[] {
  const head = data.chart?.series[0];
  return (data.chart?.limits ?? [])
    .filter((l) => l.metric === head?.key)
    .map((l) => ({ level: l.level, value: l.value, text: text(l.level, full(l.value, head!.unit, true)) }));
}

function QualityAndAlerts({ data }: { data: Answer }) {
  const { t } = useTranslation();
  const age = useLength();
  const phone = usePhone();
  const chart = data.chart;
  const mine = data.models?.find((m) => m.name === data.model?.name);
  const delay = mine?.label_delay_ms;
  const window = t("overview.windows", { length: age(data.step_ms) });
  return (
    <>
      <ChartPanel
        title={t("overview.modelQuality")}
        subtitle={
          typeof delay === "number" && delay > 0
            ? t("overview.windowsDelay", { windows: window, delay: age(delay) })
            : window
        }
        span={8}
        file={`${data.model?.name ?? "model"}_quality`}
        time={chart?.time ?? []}
        series={chart?.series ?? []}
        from={data.from}
        to={data.to}
        height={phone ? 190 : 284}
        limits={limitLines(data, (level, value) => t(`chart.limit.${level}`, { value }))}
        pendingFrom={chart?.pending_from}
        events={chart?.events ?? []}
        lane
      />
      <Alerts data={data} />
    </>
  );
}

function Alerts({ data }: { data: Answer }) {
  const { t } = useTranslation();
  const items = data.alerts?.items ?? [];
  const hours = data.alerts?.per_hour ?? [];
  const link = (
    <Link className="link" to="/alerts" search={(old: Search) => keep(old)}>
      {t("alerts.all")}
    </Link>
  );
  return (
    <Panel title={t("alerts.current")} span={4} link={link}>
      {items.length === 0 ? (
        <Empty state="ok" text={t("alerts.none.firing")} />
      ) : (
        <AlertList alerts={items.slice(0, 6)} now={data.now} />
      )}
      {items.length > 6 && <p className="hint">{t("alerts.more", { count: items.length - 6 })}</p>}
      {hours.length > 0 && (
        <div className="perhour">
          <div className="perhour-head">
            <span>{t("alerts.perHour")}</span>
            <span className="num">{t("alerts.started", { count: data.alerts?.started ?? 0 })}</span>
          </div>
          <Columns hours={hours} />
        </div>
      )}
    </Panel>
  );
}

function DataRow({ data }: { data: Answer }) {
  const { t } = useTranslation();
  const phone = usePhone();
  const drift = data.drift;
  const rows = data.data_quality ?? [];
  const limits = data.data_quality_limits;
  return (
    <>
      <Panel
        title={t("drift.title")}
        subtitle={
          drift && drift.total > 0
            ? t("drift.subtitle", {
                method: drift.method.toUpperCase(),
                drifted: drift.drifted,
                total: drift.total,
              })
            : undefined
        }
        span={7}
      >
        {drift && drift.features.length > 0 && drift.time.length > 0 ? (
          <Heat drift={drift} rows={phone ? 6 : 10} />
        ) : (
          <Empty text={t("drift.none")} />
        )}
      </Panel>
      <Panel title={t("dataq.title")} subtitle={t("dataq.subtitle")} span={5}>
        {rows.length > 0 ? (
          <BarRows rows={rows.slice(0, 8)} missing={limits?.missing} outliers={limits?.outliers} />
        ) : (
          <Empty text={t("dataq.none")} />
        )}
      </Panel>
    </>
  );
}

const SYSTEM_Y: Record<string, YRange> = { compute: "capacity" };

function System({ data }: { data: Answer }) {
  const { t, i18n } = useTranslation();
  const phone = usePhone();
  const [open, setOpen] = useState(false);
  const system = data.system;
  if (!system || system.charts.length === 0) return null;
  const units = (series: ChartSeries[]) =>
    [
      ...new Set(
        series.map((s) => {
          const top = extent(...series.filter((o) => o.unit === s.unit).map((o) => o.values));
          return (
            common(s.unit, Math.max(...(top ?? [0]))).name ||
            (i18n.exists(`unit.${s.unit}`) ? t(`unit.${s.unit}`) : s.unit)
          );
        }),
      ),
    ]
      .filter(Boolean)
      .join(" · ");
  const title = (key: string) => (i18n.exists(`system.${key}`) ? t(`system.${key}`) : key);
  return (
    <>
      <div className="section">
        <h2>{t("system.title")}</h2>
        <span className="panel-sub">{t("system.subtitle")}</span>
        <span className="grow" />
        {phone && (
          <button type="button" className="link" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? t("system.hide") : t("system.show", { count: system.charts.length })}
          </button>
        )}
      </div>
      {(!phone || open) &&
        system.charts.map((c) => (
          <ChartPanel
            key={c.key}
            title={title(c.key)}
            subtitle={units(c.series)}
            small
            span={3}
            file={`${data.model?.name ?? "host"}_${c.key}`}
            time={system.time}
            series={c.series}
            from={data.from}
            to={data.to}
            height={phone ? 150 : 132}
            y={SYSTEM_Y[c.key] ?? "zero"}
            events={data.chart?.events ?? []}
            area={c.key === "throughput"}
          />
        ))}
    </>
  );
}

const MOST = 10;

function Models({ models }: { models: ModelRow[] }) {
  const { t } = useTranslation();
  return (
    <Panel
      title={t("models.all")}
      subtitle={t("models.countState", { count: models.length })}
      link={
        models.length > MOST ? (
          <Link className="link" to="/models" search={(old: Search) => keep(old)}>
            {t("models.every")}
          </Link>
        ) : undefined
      }
    >
      <ModelTable models={models.slice(0, MOST)} />
    </Panel>
  );
}

function usePhone(): boolean {
  return useMediaQuery("(max-width: 640px)", false, { getInitialValueInEffect: false }) ?? false;
}
