import { DatePicker } from "@mantine/dates";
import "@mantine/dates/styles.css";
import "dayjs/locale/zh-cn";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { usePrefs } from "../lib/prefs";
import { cut } from "../lib/time";

interface Props {
  from: number | null;
  to: number | null;
  /** Start of the first day and end of the last. */
  onPick(from: number, to: number): void;
}

const iso = (ms: number | null) => {
  if (ms === null) return null;
  const d = new Date(ms);
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
};

const local = (day: string) => {
  const [y, m, d] = day.split("-").map(Number) as [number, number, number];
  return new Date(y, m - 1, d).getTime();
};

export default function Calendar({ from, to, onPick }: Props) {
  const { t } = useTranslation();
  const { lang } = usePrefs();
  const [picking, setPicking] = useState<[string | null, string | null] | null>(null);
  const shown = picking ?? [iso(from), iso(to === null ? null : to - 1)];
  return (
    <DatePicker
      type="range"
      allowSingleDateInRange
      size="sm"
      locale={lang === "zh" ? "zh-cn" : "en"}
      firstDayOfWeek={1}
      monthLabelFormat={lang === "zh" ? "YYYY年M月" : "MMMM YYYY"}
      value={shown}
      defaultDate={iso(to) ?? undefined}
      ariaLabels={{ nextMonth: t("range.nextMonth"), previousMonth: t("range.prevMonth") }}
      onChange={(v) => {
        const [a, b] = v as [string | null, string | null];
        setPicking([a, b]);
        if (!a || !b) return;
        setPicking(null);
        onPick(local(a), cut(local(b), "d", "end"));
      }}
    />
  );
}
