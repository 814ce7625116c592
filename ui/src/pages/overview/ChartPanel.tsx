import { IconDownload, IconRulerMeasure, IconTable } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ChartEvent, ChartSeries } from "../../api/types";
import { entries, type YRange } from "../../charts/lines";
import type { LimitLine } from "../../charts/paint";
import { TimeChart } from "../../charts/TimeChart";
import { download, toCSV } from "../../lib/csv";
import { full, stamp } from "../../lib/format";
import { usePrefs } from "../../lib/prefs";
import { Empty } from "../../ui/Empty";
import { Panel } from "../../ui/Panel";
import { useView } from "../../view";

interface Props {
  title: string;
  subtitle?: string;
  span: number;
  /** Start of the name of a downloaded file. */
  file: string;
  time: number[];
  series: ChartSeries[];
  from: number;
  to: number;
  height: number;
  y?: YRange;
  limits?: LimitLine[];
  pendingFrom?: number | null;
  events?: ChartEvent[];
  lane?: boolean;
  area?: boolean;
  small?: boolean;
}

/** A time chart in its frame, with the same data as a table and as a file. */
export function ChartPanel({ title, subtitle, span, file, ...chart }: Props) {
  const { t } = useTranslation();
  const view = useView();
  const [table, setTable] = useState(false);
  const [zero, setZero] = useState(false);
  const { time, series } = chart;
  const known = series.length > 0;
  const some = series.some((s) => s.values.some((v) => v !== null));
  const csv = () => {
    const header = [
      "time",
      ...series.map((s) => s.key),
      ...series.filter((s) => s.compare).map((s) => `${s.key}_compare`),
    ];
    const cols = [...series.map((s) => s.values), ...series.filter((s) => s.compare).map((s) => s.compare!)];
    const rows = time.map((ms, i) => [new Date(ms).toISOString(), ...cols.map((c) => c[i])]);
    download(`${file}_${stamp(chart.from)}_${stamp(chart.to)}.csv`, toCSV(header, rows));
  };
  const actions = !known
    ? []
    : [
        {
          label: table ? t("panel.asChart") : t("panel.asTable"),
          icon: <IconTable size={16} />,
          onClick: () => setTable(!table),
        },
        { label: t("panel.csv"), icon: <IconDownload size={16} />, onClick: csv },
        ...(chart.y
          ? []
          : [
              {
                label: zero ? t("panel.fit") : t("panel.zero"),
                icon: <IconRulerMeasure size={16} />,
                onClick: () => setZero(!zero),
              },
            ]),
      ];
  return (
    <Panel title={title} subtitle={subtitle} span={span} actions={actions}>
      {!known ? (
        <Empty text={t("empty.never", { what: title })} />
      ) : table ? (
        <ChartTable title={title} time={time} series={series} height={chart.height + 54} />
      ) : (
        <>
          <TimeChart
            {...chart}
            label={title}
            y={zero ? "zero" : chart.y}
            onZoom={(from, to) => view.zoom(String(from), String(to))}
            onZoomOut={view.zoomOut}
          />
          {!some && (
            <p className="hint nodata">
              {t("empty.range", { from: stamp(chart.from), to: stamp(chart.to) })}
            </p>
          )}
        </>
      )}
    </Panel>
  );
}

function ChartTable({
  title,
  time,
  series,
  height,
}: {
  title: string;
  time: number[];
  series: ChartSeries[];
  height: number;
}) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const list = entries(series, lang, (name) => t("chart.previous", { name }));
  return (
    <div className="chart-table" style={{ maxHeight: height }} tabIndex={0} role="group" aria-label={title}>
      <table className="list">
        <thead>
          <tr>
            <th scope="col">{t("chart.time")}</th>
            {list.map((e) => (
              <th key={e.id} scope="col" className="r">
                {e.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {time.map((ms, i) => (
            <tr key={ms}>
              <td className="num nowrap">{stamp(ms)}</td>
              {list.map((e) => (
                <td key={e.id} className="r num">
                  {full(e.values[i], e.unit, true)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
